/** The library's example, run as its own first lines say. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { hostCriu } from "../../../tools/host_criu.ts";
import { ROOT } from "../../../tools/process.ts";
import { Host } from "./host.ts";
import { victimProgram } from "./victim.ts";
import { textOf, until } from "./waiting.ts";

/** Numbers that show that it really counts. */
const ENOUGH = 20;

Deno.test("examples/local.ts: moves a process into a new pid namespace by the library alone", async () => {
  const criu = await hostCriu();
  const dir = await Deno.makeTempDir({ prefix: "phaul-example-test-" });
  try {
    // Everything below runs inside, and ends with it.
    await using host = await Host.make({
      name: "here",
      firstPid: 1000,
      dir: `${dir}/here`,
      within: dir,
    });
    const path = `${dir}/numbers`;
    const program = ["setsid", await victimProgram(), "job", "counter", path, "64"];
    await host.start(["unshare", "--pid", "--fork", ...program]);
    const counted = async () => (await textOf(path)).split("\n").length - 1;
    await until("it counts", async () => await counted() > ENOUGH);
    const victim = (await host.processes()).find(({ command }) =>
      command.startsWith(program[1] ?? "")
    );
    if (victim === undefined) throw new Error("Cannot find the victim");

    const example = [Deno.execPath(), "run", "-A", "--quiet", `${ROOT}examples/local.ts`];
    const { code, stdout, stderr } = await host.try(...example, String(victim.pid), criu);
    assertEquals(code, 0, stderr);
    const pid = Number(/^runs on as (\d+)$/m.exec(stdout)?.[1]);

    const before = await counted();
    await until("it counts on", async () => await counted() > before + ENOUGH);
    const numbers = (await textOf(path)).split("\n").slice(0, -1);
    assertEquals(numbers, numbers.map((_, index) => `here ${index + 1}`));
    const copies = (await host.processes()).filter(({ command }) => command === victim.command);
    assertEquals(copies.map((copy) => copy.pid), [pid]);
    const status = await host.run("cat", `/proc/${pid}/status`);
    assertStringIncludes(status, `NSpid:\t${pid}\t1\n`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
