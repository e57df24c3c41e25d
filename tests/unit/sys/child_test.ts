import { assertEquals, assertRejects } from "@std/assert";
import { type Child, Errno, loadLibc, spawn } from "../../../src/sys/mod.ts";
import { processStat, syscallErrorOf, untilState } from "./helpers.ts";

loadLibc();

const sleeper = () => spawn({ command: "sleep", args: ["1000"] });
const shell = (script: string) => spawn({ command: "sh", args: ["-c", script] });

Deno.test("Child.wait: the exit code", async () => {
  for (const code of [0, 7, 255]) {
    using child = shell(`exit ${code}`);
    assertEquals(await child.wait(), { code });
  }
});

Deno.test("Child.wait: the signal, also of one that dumps core", async () => {
  using killed = sleeper();
  killed.kill("SIGTERM");
  assertEquals(await killed.wait(), { signal: 15 });
  using crashed = shell("ulimit -c 0; kill -SEGV $$");
  assertEquals(await crashed.wait(), { signal: 11 });
});

Deno.test("Child.wait: reaps, so that no zombie stays", async () => {
  using child = shell("exit 0");
  await child.wait();
  assertEquals(processStat(child.pid), undefined);
});

Deno.test("Child.wait: does not end with a stop", async () => {
  using child = sleeper();
  const abort = new AbortController();
  const pending = child.wait(abort.signal);
  child.kill("SIGSTOP");
  await untilState(child.pid, "T");
  abort.abort(new Error("still there"));
  await assertRejects(() => pending, Error, "still there");
  child.kill("SIGKILL");
  assertEquals(await child.wait(), { signal: 9 });
});

Deno.test("Child.wait: any number of times, at once and afterwards", async () => {
  using child = shell("exit 3");
  assertEquals(await Promise.all([child.wait(), child.wait()]), [{ code: 3 }, { code: 3 }]);
  assertEquals(await child.wait(), { code: 3 });
});

Deno.test("Child.wait: each of many children gives its own status", async () => {
  using stack = new DisposableStack();
  const children = Array.from({ length: 20 }, (_, code) => stack.use(shell(`exit ${code}`)));
  const statuses = await Promise.all(children.map((child) => child.wait()));
  assertEquals(statuses, children.map((_, code) => ({ code })));
});

Deno.test("Child: disposing kills it if it runs, and reaps it", () => {
  let child: Child;
  {
    using owned = sleeper();
    child = owned;
    assertEquals(processStat(child.pid)?.parentPid, Deno.pid);
  }
  assertEquals(processStat(child.pid), undefined);
  child[Symbol.dispose]();
});

Deno.test("Child: disposing kills it also when it is stopped", async () => {
  const child = sleeper();
  child.kill("SIGSTOP");
  await untilState(child.pid, "T");
  child[Symbol.dispose]();
  assertEquals(processStat(child.pid), undefined);
});

Deno.test("Child: a pending wait learns the status when it is disposed of", async () => {
  const child = sleeper();
  const pending = child.wait();
  await new Promise((resolve) => setTimeout(resolve, 5));
  child[Symbol.dispose]();
  assertEquals(await pending, { signal: 9 });
  assertEquals(await child.wait(), { signal: 9 });
});

Deno.test("Child.kill: ESRCH once it is reaped", async () => {
  using child = shell("exit 0");
  await child.wait();
  assertEquals((await syscallErrorOf(() => child.kill("SIGTERM"))).errno, Errno.ESRCH);
});
