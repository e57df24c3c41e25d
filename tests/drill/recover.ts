/** What an operator does after a fault, step by step, until all is well. */

import { pause } from "../integration/host/waiting.ts";
import { type DrillHost, type DrillRun, type Ground, isAlive } from "./ground.ts";
import { inspect, isSettled } from "./inspect.ts";
import type { RecoveredBy } from "./result.ts";
import type { Expected } from "./row.ts";

const LOOK_MS = 60;
/** phaul is left alone for as long as it may still be at work, and no longer. */
const BY_ITSELF_MS = 6_000;
/** After a crash nothing but a restart or a person moves. */
const AFTER_CRASH_MS = 400;
const AFTER_SERVE_MS = 1_500;
const AFTER_STEP_MS = 4_000;
const IN_DOUBT = 60;
/** peer-unreachable, peer-silent, peer-lost. */
const OUT_OF_REACH: ReadonlySet<number> = new Set([40, 41, 42]);
const ATTEMPTS = 3;

type Word = "--force-source" | "--force-destination";

/** Takes the steps, the smallest first, until one copy runs and nothing else is there. */
export async function recover(
  ground: Ground,
  mark: string,
  source: DrillRun,
  expected: Expected,
): Promise<RecoveredBy> {
  const settled = (ms: number) => isSoonSettled(ground, mark, expected, ms);
  const code = await source.code;
  const server = ground.lastServer;
  const crashed = code > 128 || code === IN_DOUBT || !(server && await isAlive(server));
  if (await settled(crashed ? AFTER_CRASH_MS : BY_ITSELF_MS)) return "nobody had to";
  if (!(server && await isAlive(server))) {
    await (await ground.startServer()).ready;
    if (await settled(AFTER_SERVE_MS)) return "serve, started again";
  }
  await recoverOn(ground, ground.alpha);
  if (await settled(AFTER_STEP_MS)) return "recover on the source";
  await recoverOn(ground, ground.beta);
  if (await settled(AFTER_STEP_MS)) return "recover on the destination";
  if (expected === "lost") await endCopy(ground.beta, mark);
  if (await mayForce(ground, mark)) {
    for (const [host, word] of wordsOf(ground, expected)) {
      for (const id of await migrationsOf(host)) await recoverOn(ground, host, id, word);
      if (!await settled(AFTER_STEP_MS)) continue;
      return expected === "lost" ? `the copy ended, ${word}` : `recover ${word}`;
    }
  }
  return "nobody could";
}

/** As phaul itself advises: once more when the peer was too slow to be reached. */
async function recoverOn(
  ground: Ground,
  host: DrillHost,
  ...args: readonly string[]
): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const code = await (await ground.recover(host, ...args)).code;
    if (!OUT_OF_REACH.has(code)) return;
  }
}

/** What the operator says on which host, one after the other. */
function wordsOf({ alpha, beta }: Ground, expected: Expected): [DrillHost, Word][] {
  if (expected === "lost") return [[alpha, "--force-destination"]];
  // The one copy that is left is the destination's.
  if (expected !== "gone") return [[alpha, "--force-destination"], [beta, "--force-destination"]];
  // Lost with its host, there is nothing to go on: given up there, and a source that had handed it over
  // has only that to be told.
  return [[beta, "--force-source"], [alpha, "--force-source"], [alpha, "--force-destination"]];
}

/** As phaul advises where memory of it is lost. */
async function endCopy(host: DrillHost, mark: string): Promise<void> {
  for (const { pid, command } of await host.processes()) {
    if (command.includes(mark)) await host.signal(pid, "KILL");
  }
}

/** A person knows what no journal says: the host of the source was restarted, nothing runs there. */
async function mayForce(ground: Ground, mark: string): Promise<boolean> {
  const copies = (await ground.alpha.processes()).filter(({ command }) => command.includes(mark));
  return copies.length === 0;
}

async function migrationsOf(host: DrillHost): Promise<string[]> {
  const listed = await host.run("ls", "-A", `${host.stateDir}/migrations`);
  return listed.split("\n").filter((name) => name !== "");
}

async function isSoonSettled(
  ground: Ground,
  mark: string,
  expected: Expected,
  ms: number,
): Promise<boolean> {
  const end = performance.now() + ms;
  for (;;) {
    const found = await inspect(ground, mark, expected);
    if (isSettled(found, expected === "gone" || expected === "lost")) return true;
    if (expected === "either" && isSettled(found, true)) return true;
    if (performance.now() > end) return false;
    await pause(LOOK_MS);
  }
}
