/** Into a file and out of it, with pre-dumps: in one guest, whose hosts share the file's place. */

import { assert, assertEquals } from "@std/assert";
import { expectCode, finish, PhaulRun } from "../phaul.ts";
import { clearAway, expectRunsOn, preDumps, scenario, Stage } from "./shared.ts";

const FILE = "/var/tree.phaul";
const STATE = "--state-dir /run/phaul-state";

const stage = new Stage();
Deno.test.beforeAll(() => stage.boot("lane"));
Deno.test.afterAll(() => stage.end());

scenario(
  stage,
  "lane: memory that is rewritten goes into an archive by pre-dumps, and comes out whole",
  async (pair) => {
    const { alpha, beta } = pair;
    const victim = await stage.victim(alpha, "rewriter --size 4 --hot 10");
    const command = `exec phaul migrate --json ${STATE} --pid ${victim.pid} --to-archive ${FILE} ` +
      "--max-iters 2";
    using run = new PhaulRun(alpha, await alpha.start(command, "export"));
    // Everything is packed and read back, which an emulated guest takes its time for.
    expectCode(await finish(run), 0);
    const pages = preDumps(run);
    assert(pages.length >= 2, `only ${pages.length} pre-dumps`);
    assert((pages.at(-1) ?? 0) < (pages[0] ?? 0), `pages written: ${pages.join(", ")}`);
    assertEquals(await alpha.hasProcess(victim.pid), false);
    await beta.run(`phaul restore ${FILE} --json ${STATE}`);
    await expectRunsOn(pair, victim, "alpha", "beta");
    await beta.run(`rm ${FILE}`);
    await clearAway(pair, victim);
  },
);
