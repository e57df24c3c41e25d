/** What the scenarios of both kinds share: a pair that is booted once, servers, and the usual proof. */

import { assertEquals } from "@std/assert";
import type { Host, Victim } from "../host.ts";
import { bootLane } from "../lane.ts";
import { bootMachines, type Pair, type PairOptions } from "../pair.ts";
import { endVictim, expectClean, type PhaulRun, serve, type Server, shareToken } from "../phaul.ts";
import { keepingArtifacts } from "../scenario.ts";

/** Ticks that count as "it runs there". */
export const TICKS = 10;

/** A pair with a server on each host that the other one holds the token of. */
export class Stage {
  #pair: Pair | undefined;
  #servers = new Map<string, Server>();
  #port = 7000;

  /** The pair; boot comes first. */
  get pair(): Pair {
    if (!this.#pair) throw new Error("The pair is not up");
    return this.#pair;
  }

  /** Boots the pair. */
  async boot(kind: Pair["kind"], options: PairOptions = {}): Promise<void> {
    this.#pair = await (kind === "machines" ? bootMachines(options) : bootLane(options));
  }

  /** A running server on `host`, as other scenarios may have left it; a new one with `options` if need be. */
  async server(host: Host, options: Parameters<typeof serve>[1] = {}): Promise<Server> {
    const known = this.#servers.get(host.name);
    if (known && await known.alive()) return known;
    return await this.freshServer(host, options);
  }

  /** Replaces the server on `host` by one with those options, and hands its token out. */
  async freshServer(host: Host, options: Parameters<typeof serve>[1] = {}): Promise<Server> {
    await this.endServer(host);
    const server = await serve(host, options);
    this.#servers.set(host.name, server);
    const other = host === this.pair.alpha ? this.pair.beta : this.pair.alpha;
    await shareToken(other, host);
    return server;
  }

  /** Ends the server on `host`; the next scenario gets a new one. */
  async endServer(host: Host): Promise<void> {
    const known = this.#servers.get(host.name);
    this.#servers.delete(host.name);
    if (!known) return;
    await known.stop();
    known[Symbol.dispose]();
  }

  /** Starts a workload under a name and port of its own, and waits until it is seen to run. */
  async victim(host: Host, command: string): Promise<Victim> {
    const port = this.#port++;
    const [program] = command.split(" ");
    const name = `${program}-${port}`;
    const victim = await host.victim(`${command} --name ${name} --port ${port}`);
    await this.pair.witness.waitForTicks(name, host.name, TICKS);
    return victim;
  }

  /** Takes everything down. */
  async end(): Promise<void> {
    for (const server of this.#servers.values()) {
      await server.recordTransitions();
      server[Symbol.dispose]();
    }
    this.#servers.clear();
    await this.#pair?.[Symbol.asyncDispose]();
  }
}

/** Registers a scenario on `stage`; its artifacts are kept when it fails. */
export function scenario(stage: Stage, name: string, body: (pair: Pair) => Promise<void>): void {
  const folder = name.replaceAll(/[^a-z0-9]+/gi, "-").toLowerCase();
  Deno.test({
    name,
    // The pair outlives each scenario.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () => keepingArtifacts(folder, stage.pair, body),
  });
}

/** The workload runs on `hosts.at(-1)`, is right, and exactly one copy ever ran, on those hosts. */
export async function expectRunsOn(
  { witness, alpha, beta }: Pair,
  victim: Victim,
  ...hosts: readonly string[]
): Promise<void> {
  const last = hosts.at(-1) ?? "";
  await witness.waitForTicks(victim.name, last, TICKS);
  const answer = await (last === "alpha" ? alpha : beta).ask(victim, "verify");
  if (answer.ok !== true) throw new Error(`It is damaged: ${JSON.stringify(answer)}`);
  assertEquals(answer.host, last);
  await witness.assertExactlyOneCopy(victim.name, { hosts });
}

/** Ends the victim wherever it is and makes sure that nothing else is left on either host. */
export async function clearAway({ alpha, beta }: Pair, victim: Victim): Promise<void> {
  await endVictim(alpha, victim);
  await endVictim(beta, victim);
  await untilClean(alpha);
  await untilClean(beta);
}

/** A destination notices a dead source only after the peer timeout: patience. */
export async function untilClean(host: Host): Promise<void> {
  for (let look = 0;; look++) {
    try {
      return await expectClean(host);
    } catch (error) {
      if (look === 60) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

/** Figures of all pre-dumps of a run. */
export function preDumps(run: { readonly events: PhaulRun["events"] }): readonly number[] {
  return run.events.filter((e) => e.event === "iteration-end" && e.final === false)
    .map((e) => Number(e.pagesWritten));
}
