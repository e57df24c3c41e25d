/** The ground that repeats: one guest whose time is the number of its instructions. */

import type { Suite } from "../../vm/image.ts";
import { bootLane, SHARED_DIR } from "../../vm/lane.ts";
import type { Host } from "../../vm/host.ts";
import type { Ground, Where } from "./ground.ts";

/** A victim of 512 MB, its images, its copy and a cache of its pages, all at once. */
const MEMORY_MIB = 6144;
/** Instructions take longer to count than to execute. */
const RUN_MS = 1_200_000;

/** Boots the guest. The caller owns it. */
export async function laneGround(suite: Suite): Promise<Ground> {
  const pair = await bootLane({ suite, memoryMiB: MEMORY_MIB, cpus: 1, countsInstructions: true });
  const [guest] = pair.guests;
  const { alpha, beta } = pair;
  if (!guest || alpha.init === undefined || beta.init === undefined) {
    throw new Error("Cannot measure in this lane: its hosts are no namespaces");
  }
  const hosts: Readonly<Record<Where, Host>> = {
    source: alpha,
    destination: beta,
    around: guest.host,
  };
  const version = (await alpha.run("criu --version")).stdout;
  return {
    place: "lane",
    title: `lane, ${suite}, CRIU ${/^Version: (\S+)/m.exec(version)?.[1] ?? "?"}`,
    preDumps: true,
    criu: "/usr/sbin/criu",
    phaul: "phaul",
    programs: "/lab/bin",
    dir: SHARED_DIR,
    address: beta.address,
    inits: { source: alpha.init, destination: beta.init },
    run: async (where, script) => (await hosts[where].run(script, { timeoutMs: RUN_MS })).stdout,
    [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose](),
  };
}
