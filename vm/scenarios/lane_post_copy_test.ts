/** Two hosts in one guest, of either Debian: memory that follows once the process runs. */

import { assert, assertEquals } from "@std/assert";
import type { Suite } from "../image.ts";
import { expectCode, lastEvent, migrate } from "../phaul.ts";
import { clearAway, expectRunsOn, preDumps, scenario, Stage } from "./shared.ts";

const PAGE_BYTES = 4096;
/** 32 MiB, all of it written ten times a second: no pre-copy ever catches up with that. */
const NEVER = "rewriter --size 32 --hot 100 --every 100";

for (const suite of ["bookworm", "trixie"] satisfies Suite[]) {
  const stage = new Stage();
  Deno.test.beforeAll(() => stage.boot("lane", { suite }));
  Deno.test.afterAll(() => stage.end());

  scenario(stage, `one guest, ${suite}: by post-copy all memory follows`, async (pair) => {
    const { alpha, beta } = pair;
    await stage.server(beta);
    const victim = await stage.victim(alpha, "rewriter --size 32 --hot 25");
    const run = await migrate(alpha, beta, victim, { args: "--mode post-copy" });
    expectCode(run, 0);
    assertEquals(preDumps(run), []);
    assert(Number(lastEvent(run, "lending")?.bytes) >= 32 * 2 ** 20, run.said);
    assertEquals(lastEvent(run, "draining")?.pagesLeft, 0);
    await expectRunsOn(pair, victim, "alpha", "beta");
    await clearAway(pair, victim);
  });

  scenario(stage, `one guest, ${suite}: by hybrid what was written last follows`, async (pair) => {
    const { alpha, beta } = pair;
    await stage.server(beta);
    const victim = await stage.victim(alpha, "rewriter --size 32 --hot 25");
    const run = await migrate(alpha, beta, victim, { args: "--mode hybrid --max-iters 2" });
    expectCode(run, 0);
    const [first = 0] = preDumps(run);
    const lent = Number(lastEvent(run, "lending")?.bytes);
    assert(lent > 0 && lent < first * PAGE_BYTES / 2, `${lent} of ${first} pages`);
    await expectRunsOn(pair, victim, "alpha", "beta");
    await clearAway(pair, victim);
  });

  scenario(
    stage,
    `one guest, ${suite}: auto lends where pre-copy does not converge`,
    async (pair) => {
      const { alpha, beta } = pair;
      await stage.server(beta);
      const still = await stage.victim(alpha, "piggie --size 8");
      const converged = await migrate(alpha, beta, still, { args: "--mode auto --min-pages 1024" });
      expectCode(converged, 0);
      assertEquals(lastEvent(converged, "lending"), undefined);
      await clearAway(pair, still);
      const victim = await stage.victim(alpha, NEVER);
      const run = await migrate(alpha, beta, victim, { args: "--mode auto --max-iters 2" });
      expectCode(run, 0);
      assert(Number(lastEvent(run, "lending")?.bytes) > 2 ** 20, run.said);
      await expectRunsOn(pair, victim, "alpha", "beta");
      await clearAway(pair, victim);
    },
  );
}
