/** Hosts whose CRIUs speak different page protocols and write different pagemaps: before 4.2 and since. */

import { hostCriu } from "../../../tools/host_criu.ts";
import { World } from "./world.ts";

for (const [from, to] of [["trixie", "sid"], ["sid", "trixie"]] as const) {
  for (const restore of ["lazy", "eager"] as const) {
    Deno.test(`migrate --restore ${restore}: from ${from}'s CRIU to ${to}'s`, async () => {
      const [theirs, ours] = [await hostCriu({ suite: to }), await hostCriu({ suite: from })];
      await using world = await World.make();
      const victim = await world.victim({ kind: "sweep", pages: 4096 });
      const server = await world.serve({ args: ["--criu", theirs] });
      await world.migrate(victim, { args: ["--criu", ours, "--restore", restore] });
      await victim.countsOn();
      await server.event("drained");
      await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
    });
  }
}
