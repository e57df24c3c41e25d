/** What the binary reads before any code of phaul's runs. */

import { assertEquals } from "@std/assert";
import { BINARY } from "../../tools/build.ts";
import { run } from "../../tools/process.ts";

const DEADLINE_MS = 20_000;

Deno.test("dist/phaul: takes no code out of a directory that anybody may write to", async () => {
  const dir = await Deno.makeTempDir();
  try {
    // The runtime would look for its code cache there. Whoever opens a FIFO waits for a writer.
    const { code } = await run("mkfifo", [`${dir}/deno-compile-phaul.cache`]);
    assertEquals(code, 0);
    const child = new Deno.Command(BINARY, {
      args: ["help"],
      env: { TMPDIR: dir },
      stdout: "null",
      stderr: "null",
    }).spawn();
    const timer = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
    assertEquals((await child.status).code, 0);
    clearTimeout(timer);
    assertEquals((await Array.fromAsync(Deno.readDir(dir))).length, 1);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
