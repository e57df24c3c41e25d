import { assert, assertEquals, assertThrows } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { listTree } from "../../../src/proc/mod.ts";
import { parseStat } from "../../../src/proc/procfs.ts";
import { eventually, states, TestTree } from "./children.ts";
import { FakeProc } from "./fixture.ts";

const THREE_LEVELS = ["sh", "-c", "sh -c 'sleep 1000 & sleep 1000 & wait' & wait"];

Deno.test("listTree: three levels come root first, ancestors before descendants", async () => {
  await using tree = TestTree.start(THREE_LEVELS);
  const processes = await tree.until(({ length }) => length === 4);
  assertEquals(processes[0]?.pid, tree.pid);
  assertEquals(processes[0]?.parentPid, Deno.pid);
  assertEquals(processes[1]?.parentPid, tree.pid);
  assertEquals(processes.slice(2).map((p) => p.parentPid), Array(2).fill(processes[1]?.pid));
  assertEquals(processes.map((p) => p.nsPid), processes.map((p) => p.pid));
});

Deno.test("listTree: a scan of all parents finds the same tree where /proc has no children files", () => {
  const ids = [[10, 1], [30, 10], [20, 30], [40, 20], [50, 1]] as const;
  using scanned = new FakeProc(ids.map(([pid, parentPid]) => ({ pid, parentPid })));
  using linked = new FakeProc(ids.map(([pid, parentPid]) => ({
    pid,
    parentPid,
    children: ids.filter(([, parent]) => parent === pid).map(([child]) => child),
  })));
  const expected = [10, 30, 20, 40];
  assertEquals(listTree(10, scanned.root).map(({ pid }) => pid), expected);
  assertEquals(listTree(10, linked.root).map(({ pid }) => pid), expected);
});

Deno.test("listTree: a child that ended since its parent was read is left out", () => {
  using proc = new FakeProc([{ pid: 10, children: [11, 12] }, { pid: 12, children: [] }]);
  assertEquals(listTree(10, proc.root).map(({ pid }) => pid), [10, 12]);
});

Deno.test("listTree: a recycled pid that makes a circle ends the walk all the same", () => {
  using proc = new FakeProc([{ pid: 10, children: [11] }, { pid: 11, children: [10, 11] }]);
  assertEquals(listTree(10, proc.root).map(({ pid }) => pid), [10, 11]);
});

Deno.test("listTree: a stopped child is marked stopped, a traced one is not", async () => {
  await using tree = TestTree.start(["sh", "-c", "sleep 1000 & wait"]);
  const child = (await tree.until(({ length }) => length === 2))[1]?.pid ?? 0;
  Deno.kill(child, "SIGSTOP");
  const processes = await tree.until((found) => found[1]?.state === "stopped");
  assertEquals(states(processes), ["running", "stopped"]);
  using proc = new FakeProc([{ pid: 10, state: "t" }]);
  assertEquals(states(listTree(10, proc.root)), ["running"]);
});

Deno.test("listTree: a zombie below the root is listed as one", async () => {
  // The sleep that the shell becomes collects no children.
  await using tree = TestTree.start(["sh", "-c", "sleep 0 & exec sleep 1000"]);
  const processes = await tree.until((found) => found[1]?.state === "zombie");
  assertEquals(states(processes), ["running", "zombie"]);
});

Deno.test("listTree: a root that is a zombie is no process, and the message says why", async () => {
  await using tree = TestTree.start(["sh", "-c", "sleep 0 & exec sleep 1000"]);
  const [root, zombie] = await tree.until((found) => found[1]?.state === "zombie");
  const error = assertThrows(() => listTree(zombie?.pid ?? 0), PhaulError, "zombie");
  assert(error.remedy);
  assertEquals((error as PhaulError).code, "no-such-process");
  assertEquals(error.message.includes(`process ${root?.pid}`), true);
});

Deno.test("listTree: a pid that is not there is refused as no-such-process", async () => {
  await using tree = TestTree.start(["true"]);
  await tree.ended;
  await eventually(() => !isThere(tree.pid));
  const error = assertThrows(() => listTree(tree.pid), PhaulError, `process ${tree.pid}`);
  assertEquals((error as PhaulError).code, "no-such-process");
});

Deno.test("listTree: nsPid is the pid in the innermost namespace", () => {
  using proc = new FakeProc([{ pid: 500, nsPids: [500, 40, 1], children: [] }]);
  assertEquals(listTree(500, proc.root)[0]?.nsPid, 1);
});

Deno.test("parseStat: a command name with brackets and blanks is kept whole", () => {
  const zeros = Array(12).fill(0).join(" ");
  const stat = parseStat(`7 (a) b (c) R 6 5 4 34816 -1 4194304 ${zeros} 123456789 0`);
  assertEquals(stat?.comm, "a) b (c");
  assertEquals([stat?.parentPid, stat?.processGroup, stat?.session], [6, 5, 4]);
  assertEquals([stat?.flags, stat?.startTimeTicks], [4194304, "123456789"]);
});

Deno.test("parseStat: a truncated line is none", () => {
  assertEquals(parseStat("7 (a) R 6 5"), undefined);
  assertEquals(parseStat(""), undefined);
});

function isThere(pid: number): boolean {
  try {
    Deno.statSync(`/proc/${pid}`);
    return true;
  } catch {
    return false;
  }
}
