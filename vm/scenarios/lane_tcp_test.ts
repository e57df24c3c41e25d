/** TCP connections of the victim, with a live client on the same subnet: neither end may notice. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Victim } from "../host.ts";
import { dropAddress, LiveClient, packetRules, placeService, takeAddress } from "../live_client.ts";
import type { Pair } from "../pair.ts";
import { endVictim, expectCode, lastEvent, migrate, type Migration, recover } from "../phaul.ts";
import { clearAway, expectRunsOn, scenario, Stage, untilClean } from "./shared.ts";

const EXIT = { criuFailed: 50, cancelled: 55 };

const stage = new Stage();
Deno.test.beforeAll(() => stage.boot("lane"));
Deno.test.afterAll(() => stage.end());

const at = (name: string, action: string) => `[ "$PHAUL_STAGE" != ${name} ] || { ${action}; }`;

/** What the operator's hooks do about the address: it leaves the one host and is told by the other. */
const MOVES = {
  source: at("committed", dropAddress()),
  destination: at("committed", takeAddress()),
};

/** A victim with a client that talks to it, and how the packet filters were before. */
interface Ground extends AsyncDisposable {
  readonly victim: Victim;
  readonly client: LiveClient;
  readonly rules: readonly string[];
}

/** Without a hook of its own the destination does what the operator's does. */
async function prepare(pair: Pair, destinationHook?: string): Promise<Ground> {
  const { alpha, beta } = pair;
  await placeService(pair);
  if (destinationHook) await stage.freshServer(beta, { hook: destinationHook });
  else await stage.server(beta, { hook: MOVES.destination });
  const rules = await allRules(pair);
  for (const text of rules) assertMatch(text, /chain INPUT/, "rules are seen");
  const victim = await stage.victim(alpha, "tcpserver");
  const client = await LiveClient.connect(pair);
  const end = async () => {
    await client[Symbol.asyncDispose]();
    // What a scenario that failed leaves has the port that the next one needs.
    for (const host of [alpha, beta]) await endVictim(host, victim);
  };
  return { victim, client, rules, [Symbol.asyncDispose]: end };
}

async function allRules({ alpha, beta }: Pair): Promise<string[]> {
  return [await packetRules(alpha), await packetRules(beta)];
}

async function run(pair: Pair, victim: Victim, hook: string): Promise<Migration> {
  return await migrate(pair.alpha, pair.beta, victim, { hook, args: "--tcp-established" });
}

/** The client talks on to the one copy there is, and heard of nothing; no rule is left. */
async function expectUnbroken(pair: Pair, ground: Ground, ...hosts: string[]): Promise<void> {
  await ground.client.goesOn();
  await expectRunsOn(pair, ground.victim, ...hosts);
  await ground.client.expectNoEnd();
  assertEquals(await allRules(pair), ground.rules);
}

scenario(stage, "one guest: a live client follows its server to the other host", async (pair) => {
  await using ground = await prepare(pair);
  expectCode(await run(pair, ground.victim, MOVES.source), 0);
  await expectUnbroken(pair, ground, "alpha", "beta");
  await clearAway(pair, ground.victim);
});

scenario(
  stage,
  "one guest: a live client survives a migration cancelled when all was restored",
  async (pair) => {
    await using ground = await prepare(pair);
    const ended = await run(pair, ground.victim, at("prepared", "kill -INT $PPID"));
    expectCode(ended, EXIT.cancelled);
    await expectUnbroken(pair, ground, "alpha");
    await clearAway(pair, ground.victim);
  },
);

scenario(
  stage,
  "one guest: a live client survives the death of the criu that froze its server, without nft",
  async (pair) => {
    const { beta } = pair;
    const seen = "iptables-save -t raw | grep -c DROP >/run/drops";
    await using ground = await prepare(pair, at("prepared", seen));
    // A program that cannot be run is as good as none: iptables holds the copy's connections back.
    await beta.run("mount --bind /dev/null /usr/sbin/nft");
    const ended = await run(pair, ground.victim, at("prepared", "pkill -9 -x criu"));
    await beta.run("umount /usr/sbin/nft");
    assertEquals((await beta.run("cat /run/drops")).stdout.trim(), "2", "both directions");
    expectCode(ended, EXIT.criuFailed);
    assertEquals(lastEvent(ended, "failed")?.whereabouts, "source", ended.said);
    await untilClean(beta);
    await expectUnbroken(pair, ground, "alpha");
    await stage.endServer(beta);
    await clearAway(pair, ground.victim);
  },
);

scenario(
  stage,
  "one guest: a live client survives the death of the phaul that moves its server",
  async (pair) => {
    await using ground = await prepare(pair);
    const ended = await run(pair, ground.victim, at("frozen", "kill -9 $PPID"));
    assert(ended.code !== 0, "it succeeded though it was to be killed");
    await ground.client.goesOn();
    await recover(pair.alpha);
    await untilClean(pair.beta);
    await expectUnbroken(pair, ground, "alpha");
    await clearAway(pair, ground.victim);
  },
);

scenario(
  stage,
  "one guest: a live client survives the death of the phaul that holds its server's copy",
  async (pair) => {
    const { beta } = pair;
    await using ground = await prepare(pair, at("prepared", "kill -9 $PPID"));
    const ended = await run(pair, ground.victim, "true");
    assertEquals(lastEvent(ended, "failed")?.whereabouts, "source", ended.said);
    await ground.client.goesOn();
    const left = (await packetRules(beta)).match(/^table inet phaul-/gm) ?? [];
    assertEquals(left.length, 1, "the copy that is left is held back");
    // The phaul that comes after it knows the copy, and is told here what became of the migration.
    await stage.freshServer(beta);
    await recover(pair.alpha);
    await untilClean(beta);
    await expectUnbroken(pair, ground, "alpha");
    await clearAway(pair, ground.victim);
  },
);
