/** Hosts that are no match: refused when the source announces the tree, before anything is done. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { World } from "./world.ts";

const STRANGER = new URL("./stranger.ts", import.meta.url).pathname;

/** A tree that any destination with the same CRIU takes in. */
const BEGIN = {
  type: "begin",
  rootPid: 30_000,
  processes: [{ pid: 30_000, stopped: false, zombie: false }],
  comm: "tree",
  arch: Deno.build.arch,
  pageSize: 4096,
  ownPidNamespace: false,
  restore: {
    ...{ shellJob: false, tcpEstablished: false, tcpClose: false, extUnixSk: false },
    ...{ fileLocks: false, linkRemap: false, external: [] },
  },
  holdMode: "stopped",
  files: [],
  memoryBytes: 0,
  restoreMode: "auto",
  direct: false,
  skippedChecks: [],
};

Deno.test("serve: a tree of another architecture or page size is refused", async () => {
  await using world = await World.make();
  await world.serve();
  const criu = await world.beta.host.run(world.criu, "--version");
  const criuVersion = /^Version: (\S+)/m.exec(criu)?.[1];
  const begin = async (number: number, odd: Record<string, unknown>) => {
    const migrationId = String(number).padStart(32, "0");
    const request = JSON.stringify({ ...BEGIN, migrationId, criuVersion, ...odd });
    const args = ["ask", world.beta.address, `${world.beta.stateDir}/join-token`, request];
    const deno = [Deno.execPath(), "run", "-A", "--quiet", STRANGER];
    const answer = await world.alpha.host.run(...deno, ...args);
    const { type, code, message }: Record<string, string> = JSON.parse(answer);
    return { outcome: type ?? code, message: message ?? "" };
  };
  const arch = await begin(1, { arch: "riscv64" });
  assertEquals(arch.outcome, "destination-unfit");
  assertStringIncludes(arch.message, "riscv64");
  const pages = await begin(2, { pageSize: 65_536 });
  assertEquals(pages.outcome, "destination-unfit");
  assertStringIncludes(pages.message, "65536");
  // Else the refusals could have another reason.
  assertEquals((await begin(3, {})).outcome, "begun");
  await world.clean(world.beta);
});
