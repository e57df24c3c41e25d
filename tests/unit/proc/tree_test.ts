import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { listTree, ProcessTree } from "../../../src/proc/mod.ts";
import { readStat } from "../../../src/proc/procfs.ts";
import { openVerified } from "../../../src/proc/tree.ts";
import { loadLibc } from "../../../src/sys/mod.ts";
import { eventually, states, TestTree } from "./children.ts";

// Before the first test: the test runner takes a library that a test loads for a leak.
loadLibc();

const TWO = ["sh", "-c", "sleep 1000 & wait"];
/** Forks two processes once it reads a line. */
const FORKS_WHEN_TOLD = ["sh", "-c", "read x; sleep 1000 & sleep 1000 & wait"];
/** The grandchild forks once it reads a line. */
const GRANDCHILD_FORKS = [
  "sh",
  "-c",
  "exec 3<&0; sh -c 'sh -c \"read x; sleep 1000 & wait\" <&3 & wait' & wait",
];

Deno.test("ProcessTree.open: holds what listTree lists", async () => {
  await using victim = TestTree.start(TWO);
  const listed = await victim.until(({ length }) => length === 2);
  using tree = ProcessTree.open(victim.pid);
  assertEquals(tree.rootPid, victim.pid);
  assertEquals(tree.processes.map(({ pid }) => pid), listed.map(({ pid }) => pid));
});

Deno.test("ProcessTree.open: a root that is gone is refused as no-such-process", async () => {
  await using victim = TestTree.start(["true"]);
  await victim.ended;
  const error = assertThrows(() => ProcessTree.open(victim.pid));
  assertEquals((error as { code?: string }).code, "no-such-process");
});

Deno.test("openVerified: a pid that another process has now is not held", async () => {
  await using victim = TestTree.start(["sleep", "1000"]);
  const [process] = await victim.until(() => true);
  if (process === undefined) throw new Error("No process");
  using held = openVerified(process);
  assertEquals(held?.pid, victim.pid);
  const before = String(Number(process.startTimeTicks) - 1);
  assertEquals(openVerified({ ...process, startTimeTicks: before }), undefined);
});

Deno.test("ProcessTree.stop: every process stops, and runs on after continue", async () => {
  await using victim = TestTree.start(TWO);
  await victim.until(({ length }) => length === 2);
  using tree = ProcessTree.open(victim.pid);
  await tree.stop();
  assertEquals(states(listTree(victim.pid)), ["stopped", "stopped"]);
  tree.continue(new Set());
  await victim.until((found) => states(found).every((state) => state === "running"));
});

Deno.test("ProcessTree.stop: processes forked after the opening are stopped and held", async () => {
  await using victim = TestTree.start(FORKS_WHEN_TOLD, { piped: true });
  using tree = ProcessTree.open(victim.pid);
  assertEquals(tree.processes.length, 1);
  await victim.say("go");
  await victim.until(({ length }) => length === 3);
  await tree.stop();
  assertEquals(tree.processes.length, 3);
  assertEquals(states(listTree(victim.pid)), ["stopped", "stopped", "stopped"]);
});

Deno.test("ProcessTree.stop: a tree that forks without end has come to rest after it", async () => {
  await using victim = TestTree.start(["sh", "-c", "while :; do sleep 0.002 & sleep 0.002; done"]);
  await victim.until(({ length }) => length > 1);
  using tree = ProcessTree.open(victim.pid);
  await tree.stop();
  const pids = (): number[] =>
    listTree(victim.pid).filter((p) => p.state !== "zombie").map(({ pid }) => pid);
  const stopped = pids();
  // D: a shell in the middle of a vfork waits in the kernel for its child, which is stopped.
  const letters = stopped.map((pid) => readStat(pid)?.state ?? "Z").join("");
  assert(/^[TZD]*T[TZD]*$/.test(letters), letters);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assertEquals(pids(), stopped);
  tree.kill();
  await tree.exited();
});

Deno.test("ProcessTree.stop: finds children of an orphan whose parent left the tree", async () => {
  await using victim = TestTree.start(GRANDCHILD_FORKS, { piped: true });
  const [, middle, orphan] = await victim.until(({ length }) => length === 3);
  using tree = ProcessTree.open(victim.pid);
  Deno.kill(middle?.pid ?? 0, "SIGKILL");
  await eventually(() => readStat(orphan?.pid ?? 0)?.parentPid !== middle?.pid);
  await victim.say("go");
  await eventually(() => listTree(orphan?.pid ?? 0).length === 2);
  await tree.stop();
  assertEquals(states(listTree(orphan?.pid ?? 0)), ["stopped", "stopped"]);
  tree.kill();
  await tree.exited();
});

Deno.test("ProcessTree.continue: what was stopped before stays stopped", async () => {
  await using victim = TestTree.start(TWO);
  const child = (await victim.until(({ length }) => length === 2))[1]?.pid ?? 0;
  Deno.kill(child, "SIGSTOP");
  await victim.until((found) => found[1]?.state === "stopped");
  using tree = ProcessTree.open(victim.pid);
  const before = tree.processes.filter(({ state }) => state === "stopped");
  await tree.stop();
  assertEquals(states(tree.processes), ["running", "stopped"]);
  tree.continue(new Set(before.map(({ nsPid }) => nsPid)));
  const after = await victim.until((found) => found[0]?.state === "running");
  assertEquals(states(after), ["running", "stopped"]);
});

Deno.test("ProcessTree.kill: every process dies, the dead ones being skipped", async () => {
  await using victim = TestTree.start(["sh", "-c", "sleep 0 & sleep 1000 & exec sleep 1000"]);
  await victim.until((found) => states(found).join() === "running,zombie,running");
  using tree = ProcessTree.open(victim.pid);
  tree.kill();
  await tree.exited();
  assertEquals((await victim.ended).signal, "SIGKILL");
  tree.kill();
  tree.continue(new Set());
});

Deno.test("ProcessTree.kill: works on a stopped tree", async () => {
  await using victim = TestTree.start(TWO);
  await victim.until(({ length }) => length === 2);
  using tree = ProcessTree.open(victim.pid);
  await tree.stop();
  tree.kill();
  await tree.exited();
  assertEquals((await victim.ended).signal, "SIGKILL");
});

Deno.test("ProcessTree.exited: a zombie that nobody collected counts as gone", async () => {
  await using victim = TestTree.start(["sh", "-c", "sleep 1000 & exec sleep 1000"]);
  const child = (await victim.until(({ length }) => length === 2))[1]?.pid ?? 0;
  using tree = ProcessTree.open(child);
  Deno.kill(child, "SIGKILL");
  await tree.exited();
  assertEquals(readStat(child)?.state, "Z");
});

Deno.test("ProcessTree.exited: waits for descendants, rootExited for the root alone", async () => {
  await using victim = TestTree.start(TWO);
  const child = (await victim.until(({ length }) => length === 2))[1]?.pid ?? 0;
  using tree = ProcessTree.open(victim.pid);
  let gone = false;
  const exited = tree.exited().then(() => gone = true);
  Deno.kill(victim.pid, "SIGKILL");
  await tree.rootExited();
  assertEquals(gone, false);
  Deno.kill(child, "SIGKILL");
  await exited;
});

Deno.test("ProcessTree.exited: ends with the reason when it is aborted", async () => {
  await using victim = TestTree.start(["sleep", "1000"]);
  using tree = ProcessTree.open(victim.pid);
  const controller = new AbortController();
  const exited = tree.exited(controller.signal);
  controller.abort(new Error("enough"));
  await assertRejects(() => exited, Error, "enough");
});

Deno.test("ProcessTree.close: leaves the processes as they are", async () => {
  await using victim = TestTree.start(["sleep", "1000"]);
  const tree = ProcessTree.open(victim.pid);
  tree.close();
  tree.close();
  assertEquals(states(listTree(victim.pid)), ["running"]);
});
