/** Between two virtual machines of either Debian: memory that follows, and a link that breaks meanwhile. */

import { assert } from "@std/assert";
import type { Suite } from "../image.ts";
import { expectCode, finish, lastEvent, migrate, startMigration } from "../phaul.ts";
import { clearAway, expectRunsOn, scenario, Stage } from "./shared.ts";

const WITHOUT_LINK_MS = 10_000;

for (const suite of ["bookworm", "trixie"] satisfies Suite[]) {
  const stage = new Stage();
  Deno.test.beforeAll(() => stage.boot("machines", { suite }));
  Deno.test.afterAll(() => stage.end());

  scenario(stage, `two machines, ${suite}: by hybrid there and back again`, async (pair) => {
    const { alpha, beta } = pair;
    await stage.server(alpha);
    await stage.server(beta);
    const victim = await stage.victim(alpha, "rewriter --size 32 --hot 25");
    const args = "--mode hybrid --max-iters 2";
    expectCode(await migrate(alpha, beta, victim, { args }), 0);
    await expectRunsOn(pair, victim, "alpha", "beta");
    expectCode(await migrate(beta, alpha, victim, { args }), 0);
    await expectRunsOn(pair, victim, "alpha", "beta", "alpha");
    await clearAway(pair, victim);
  });

  scenario(
    stage,
    `two machines, ${suite}: the drain survives 10 s without a link`,
    async (pair) => {
      const { alpha, beta, link } = pair;
      await stage.freshServer(beta);
      const victim = await stage.victim(alpha, "rewriter --size 64 --hot 25");
      using run = await startMigration(alpha, beta, victim, {
        args: "--mode post-copy --bandwidth 40Mbit --peer-timeout 6 --connect-timeout 5",
      });
      await run.event("draining");
      await link.cut();
      await new Promise((resolve) => setTimeout(resolve, WITHOUT_LINK_MS));
      await link.mend();
      const ended = await finish(run);
      expectCode(ended, 0);
      assert(lastEvent(ended, "draining")?.pagesLeft === 0, ended.said);
      await expectRunsOn(pair, victim, "alpha", "beta");
      await clearAway(pair, victim);
    },
  );
}
