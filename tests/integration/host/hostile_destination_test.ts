/** Destinations that mean no good: the tree runs on at the source, whatever they do. */

import { assert, assertEquals } from "@std/assert";
import { pause } from "./waiting.ts";
import { type Side, World } from "./world.ts";

const SCRIPT = new URL("./hostile_destination.ts", import.meta.url).pathname;

/** What the source makes of each: the exit codes that fit. */
const OUTCOMES: Readonly<Record<string, readonly number[]>> = {
  "another-reply": [47],
  "silent-at-check": [41],
  "unknown-finding": [47],
  "finds-pids-taken": [33],
  "silent-at-begin": [41],
  "steering-words": [43],
  "hangs-up-at-begin": [42],
  "garbage-at-begin": [47],
  "flood-at-begin": [41],
  "silent-at-start": [41],
  "no-images-ticket": [1, 47, 51, 53],
  "worthless-tickets": [47],
  "reads-no-pages": [53],
  "cuts-pages": [42],
  "answers-pages-with-garbage": [50, 51, 53],
  "ends-pages-at-once": [50, 51],
};

const IMPATIENT = ["--step-timeout", "3", "--stall-timeout", "2", "--connect-timeout", "10"];

async function hostile(side: Side, kind: string) {
  const started = await side.host.start([Deno.execPath(), "run", "-A", "--quiet", SCRIPT, kind]);
  while (!(await started.out()).includes("listening")) await pause(20);
  return started;
}

Deno.test("migrate: no destination, however it behaves, harms the tree or steers the terminal", async () => {
  await using world = await World.make();
  const victim = await world.victim({ pages: 2048 });
  const exits: Record<string, number> = {};
  for (const [kind, fitting] of Object.entries(OUTCOMES)) {
    const destination = await hostile(world.beta, kind);
    const run = await world.startMigration(victim, { args: ["--insecure", ...IMPATIENT] });
    const code = await run.code;
    exits[kind] = fitting.includes(code) ? fitting[0] ?? code : code;
    const said = await run.said();
    // deno-lint-ignore no-control-regex
    assert(!/[\x00-\x09\x0b-\x1f\x7f]/.test(said), `${kind}: ${JSON.stringify(said)}`);
    assert(said.length < 5000 && !/\n +at /.test(said), `${kind}: ${said}`);
    await world.expectOnlyAndClean(victim, world.alpha, "alpha");
    await world.beta.host.signal(destination.pid, "KILL");
    await destination.status;
  }
  assertEquals(
    exits,
    Object.fromEntries(Object.entries(OUTCOMES).map(([kind, [code]]) => [kind, code])),
  );
});
