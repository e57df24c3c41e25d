import { assert, assertEquals } from "@std/assert";
import { exists } from "../command.ts";

const SCRIPT = new URL("boot_and_wait.ts", import.meta.url).pathname;
const GONE_MS = 20_000;

/** Processes whose command line names the directory. */
function processesOf(dir: string): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => {
    try {
      return Deno.readTextFileSync(`/proc/${pid}/cmdline`).includes(dir);
    } catch {
      return false;
    }
  });
}

async function until(test: () => boolean): Promise<boolean> {
  const endMs = performance.now() + GONE_MS;
  while (!test() && performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return test();
}

/** Boots in a process of its own, ends that by `signal`, and looks for what is left. */
async function endedBy(signal: Deno.Signal): Promise<void> {
  await using child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", SCRIPT],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  const { dir }: { dir: string } = JSON.parse(value ?? "{}");
  assert(exists(dir));
  assert(processesOf(dir).length >= 2, "QEMU and the watchdog run");
  child.kill(signal);
  await reader.cancel();
  const status = await child.status;
  assertEquals(status.signal, signal);
  assert(await until(() => processesOf(dir).length === 0), "a process is left");
  assert(await until(() => !exists(dir)), `"${dir}" is left`);
}

for (const signal of ["SIGINT", "SIGKILL"] as const) {
  Deno.test(`bootLane: nothing is left of a harness ended by ${signal}`, () => endedBy(signal));
}
