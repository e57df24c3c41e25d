import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import type { VictimOptions } from "../../../src/check/mod.ts";
import { listTree } from "../../../src/proc/mod.ts";
import { listNumbers, readStat } from "../../../src/proc/procfs.ts";
import { eventually, TestTree } from "../proc/children.ts";
import { examineVictim, NOTHING_ALLOWED } from "./examine.ts";
import { FakeProc, type FakeProcess } from "../proc/fixture.ts";

/** Deno locks a cache of its own while it starts. */
const DENO_LOCKS = { fileLocks: true };
/** Bound, so that the fd's link is there as soon as the process tells so. */
const LISTENS = `const l = Deno.listen({ hostname: "127.0.0.1", port: 0 });`;
const CONNECTS = `${LISTENS} const c = await Deno.connect({ hostname: "127.0.0.1", ` +
  `port: l.addr.port }); const d = await l.accept();`;

async function refusal(
  pid: number,
  options: Partial<VictimOptions> = {},
  procRoot?: string,
): Promise<PhaulError> {
  const examined = examineVictim(pid, { ...NOTHING_ALLOWED, ...options }, { procRoot });
  const error = await assertRejects(() => examined, PhaulError);
  assert(error.remedy, `nothing is said about what to do: ${error.message}`);
  return error;
}

/** A tree that runs `code` in Deno and goes on for ever; resolves once the code ran. */
async function startDeno(code: string): Promise<TestTree> {
  const marker = await Deno.makeTempFile();
  const rest = `Deno.removeSync(${JSON.stringify(marker)}); setInterval(() => {}, 1e6);`;
  const tree = TestTree.start([Deno.execPath(), "eval", "--no-lock", `${code} ${rest}`]);
  await eventually(() => !exists(marker));
  return tree;
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

Deno.test("examineVictim: a plain daemon passes, with its facts", async () => {
  await using tree = TestTree.start(["sleep", "1000"], { cwd: "/usr" });
  // Started up: nothing but its sleep makes it sleep, and it has closed its libraries and locales.
  await eventually(() => readStat(tree.pid)?.state === "S" && commOf(tree.pid) === "sleep");
  await eventually(() => listNumbers(`/proc/${tree.pid}/fd`).length === 3);
  const victim = await examineVictim(tree.pid, NOTHING_ALLOWED);
  assertEquals([victim.pid, victim.comm, victim.processes.length], [tree.pid, "sleep", 1]);
  assertEquals([victim.leadsSession, victim.ownPidNamespace], [true, false]);
  assertEquals(victim.warnings, []);
  assert(victim.memoryBytes > 0 && victim.memoryBytes < 16 * 1024 * 1024);
  const byUse = (use: string) => victim.files.filter((file) => file.use === use);
  const program = Deno.realPathSync("/usr/bin/sleep");
  assertEquals(byUse("exe").map(({ path }) => path), [program]);
  assertEquals(byUse("exe")[0]?.size, Deno.statSync(program).size);
  assertEquals(byUse("exe")[0]?.mode, 0o755);
  assertEquals(byUse("cwd").map(({ path, kind }) => [path, kind]), [["/usr", "directory"]]);
  assertEquals(byUse("root").map(({ path }) => path), ["/"]);
  assert(byUse("library").some(({ path }) => /\/libc[.-]/.test(path)));
  assertEquals(byUse("open").map(({ path, kind }) => [path, kind]), [["/dev/null", "device"]]);
});

Deno.test("examineVictim: memory is that of the whole tree", async () => {
  const processes: FakeProcess[] = [{ pid: 10, children: [11] }, { pid: 11, children: [] }];
  using proc = new FakeProc(processes);
  const victim = await examineVictim(10, NOTHING_ALLOWED, { procRoot: proc.root });
  assertEquals(victim.memoryBytes, 2 * 120 * 1024);
});

Deno.test("examineVictim: a tree with namespaces of its own, seen from outside", async () => {
  const script = "mount -t tmpfs none /mnt; exec 3>/mnt/private 4</etc/passwd; sleep 1000 & wait";
  const namespaces = ["unshare", "--pid", "--mount", "--fork", "--mount-proc", "--kill-child"];
  await using tree = TestTree.start([...namespaces, "setsid", "sh", "-c", script]);
  const processes = await tree.until(([, , sleep]) => commOf(sleep?.pid) === "sleep");
  const root = processes[1]?.pid ?? 0;
  const victim = await examineVictim(root, NOTHING_ALLOWED);
  assertEquals([victim.ownPidNamespace, victim.leadsSession], [true, true]);
  assertEquals(victim.processes.map(({ nsPid }) => nsPid)[0], 1);
  const open = victim.files.filter(({ kind }) => kind === "file").map(({ path }) => path);
  assert(open.includes("/etc/passwd"));
  assert(!open.includes("/mnt/private"), "a file that only the tree sees was asked for");
});

Deno.test("examineVictim: pid 1 of another pid namespace is told", async () => {
  const namespaced = { pid: 500, nsPids: [500, 1], nsSessions: [500, 1], children: [] };
  using proc = new FakeProc([namespaced, { ...namespaced, pid: 600, nsPids: [600, 7] }]);
  const examine = (pid: number) =>
    examineVictim(pid, { ...NOTHING_ALLOWED, shellJob: true }, { procRoot: proc.root });
  const init = await examine(500);
  assertEquals([init.ownPidNamespace, init.leadsSession], [true, true]);
  const other = await examine(600);
  assertEquals([other.ownPidNamespace, other.leadsSession], [false, false]);
});

Deno.test("examineVictim: a pid that is not there is no-such-process", async () => {
  using proc = new FakeProc([{ pid: 10 }]);
  assertEquals((await refusal(11, {}, proc.root)).code, "no-such-process");
});

Deno.test("examineVictim: a thread's id is refused, naming its process", async () => {
  await using tree = await startDeno("");
  const tids = Array.from(Deno.readDirSync(`/proc/${tree.pid}/task`), ({ name }) => Number(name));
  const tid = tids.find((id) => id !== tree.pid);
  const error = await refusal(tid ?? 0);
  assertEquals(error.code, "no-such-process");
  assertStringIncludes(error.remedy, `--pid ${tree.pid}`);
});

Deno.test("examineVictim: a kernel thread is refused by its flag", async () => {
  using proc = new FakeProc([{ pid: 77, comm: "kworker/0:1", flags: 0x4208060 }, { pid: 78 }]);
  assertEquals((await refusal(77, {}, proc.root)).code, "kernel-thread");
  await examineVictim(78, NOTHING_ALLOWED, { procRoot: proc.root });
  // Where phaul sees the whole host, pid 2 is the real thing.
  if (readStat(2)?.comm === "kthreadd") assertEquals((await refusal(2)).code, "kernel-thread");
});

Deno.test("examineVictim: phaul itself, its ancestors and init are refused", async () => {
  const [self, parent, init] = [
    await refusal(Deno.pid),
    await refusal(Deno.ppid),
    await refusal(1),
  ];
  assertEquals([self.code, parent.code, init.code], Array(3).fill("own-process"));
  assertStringIncludes(self.message, "phaul itself");
  assertStringIncludes(init.message, "init");
});

Deno.test("examineVictim: a tree with phaul deep below it is refused", async () => {
  await using tree = TestTree.start(["sh", "-c", "sh -c 'sleep 1000 & wait' & wait"]);
  const ownPid = (await tree.until(({ length }) => length === 3))[2]?.pid ?? 0;
  const examined = examineVictim(tree.pid, NOTHING_ALLOWED, { ownPid });
  const error = await assertRejects(() => examined, PhaulError, `(process ${ownPid})`);
  assertEquals(error.code, "own-process");
});

Deno.test("examineVictim: a traced process is refused, naming the tracer", async () => {
  using proc = new FakeProc([{ pid: 10, tracerPid: 20 }, { pid: 20, comm: "strace" }]);
  const error = await refusal(10, {}, proc.root);
  assertEquals(error.code, "traced");
  assertStringIncludes(error.message, `process 20 ("strace")`);
});

Deno.test("examineVictim: a session led from outside needs shellJob", async () => {
  await using tree = TestTree.startInOurSession(["sleep", "1000"]);
  const error = await refusal(tree.pid);
  assertEquals(error.code, "terminal-job");
  assertStringIncludes(error.remedy, "--shell-job");
  const victim = await examineVictim(tree.pid, { ...NOTHING_ALLOWED, shellJob: true });
  assertEquals(victim.leadsSession, false);
});

Deno.test("examineVictim: a terminal needs shellJob, unless the tree has its master too", async () => {
  await using tree = TestTree.start(["script", "-qfec", "sleep 1000", "/dev/null"]);
  const processes = await tree.until((found) => found.length >= 2);
  const slave = processes[1]?.pid ?? 0;
  await eventually(() => readLinkOf(`/proc/${slave}/fd/0`).startsWith("/dev/pts/"));
  const error = await refusal(slave);
  assertEquals(error.code, "terminal-job");
  assertStringIncludes(error.message, "/dev/pts/");
  const allowed = await examineVictim(slave, { ...NOTHING_ALLOWED, shellJob: true });
  assertEquals(allowed.warnings.filter((text) => text.includes("/dev/pts/")).length, 1);
  const whole = await examineVictim(tree.pid, NOTHING_ALLOWED);
  assertEquals(whole.warnings.filter((text) => text.includes("/dev/pts/")), []);
});

Deno.test("examineVictim: a TCP connection needs a flag, also with both ends in the tree", async () => {
  await using tree = await startDeno(CONNECTS);
  const error = await refusal(tree.pid, DENO_LOCKS);
  assertEquals(error.code, "tcp-connection");
  assertStringIncludes(error.message, "127.0.0.1:");
  assertStringIncludes(error.remedy, "--tcp-established");
  for (const flag of ["tcpEstablished", "tcpClose"]) {
    await examineVictim(tree.pid, { ...NOTHING_ALLOWED, ...DENO_LOCKS, [flag]: true });
  }
});

Deno.test("examineVictim: a listening TCP socket passes", async () => {
  await using tree = await startDeno(LISTENS);
  await examineVictim(tree.pid, { ...NOTHING_ALLOWED, ...DENO_LOCKS });
});

Deno.test("examineVictim: an IPv6 connection is found, and told as people write it", async () => {
  const line =
    "   0: 0000000000000000FFFF00000100007F:1F90 B80D0120000000000000000001000000:01BB " +
    "08 00000000:00000000 00:00000000 00000000 1000 0 4711 1 0 20 4 30 10 -1";
  const tcp6 = `  sl  local_address remote_address st ...\n${line}\n`;
  using proc = new FakeProc([{ pid: 10, tcp6, fds: { 4: { target: "socket:[4711]" } } }]);
  const error = await refusal(10, {}, proc.root);
  assertEquals(error.code, "tcp-connection");
  assertStringIncludes(error.message, "127.0.0.1:8080 - [2001:db8::1]:443 on fd 4");
});

Deno.test("examineVictim: a file lock needs fileLocks", async () => {
  const file = await Deno.makeTempFile();
  await using tree = TestTree.start(["flock", file, "sleep", "1000"]);
  await tree.until(({ length }) => length === 2);
  const error = await refusal(tree.pid);
  assertEquals(error.code, "file-locks");
  assertStringIncludes(error.message, file);
  await examineVictim(tree.pid, { ...NOTHING_ALLOWED, fileLocks: true });
  await Deno.remove(file);
});

Deno.test("examineVictim: output to the journal is refused, whatever is allowed", async () => {
  const service = (target: string): FakeProcess => ({
    pid: 10,
    environment: ["LANG=C", "JOURNAL_STREAM=8:4711"],
    fds: { 1: { target } },
  });
  using proc = new FakeProc([service("socket:[4711]")]);
  const error = await refusal(10, { extUnixSk: true }, proc.root);
  assertEquals(error.code, "external-socket");
  assertStringIncludes(error.message, "process 10 writes to the journal on fd 1");
  // Redirected since, as by a daemon that keeps a log of its own.
  using other = new FakeProc([service("socket:[4712]")]);
  await examineVictim(10, NOTHING_ALLOWED, { procRoot: other.root });
});

Deno.test("examineVictim: open files count, deleted ones and pipes do not", async () => {
  const dir = await Deno.makeTempDir();
  const script = `exec 3>$0/plain 4>>$0/log 5<>$0/gone 6<$0 7>>$0/both 8>$0/both; rm $0/gone; ` +
    `printf 12345 >&3; mkfifo $0/fifo; exec 9<>$0/fifo; sleep 1000 & wait`;
  await using tree = TestTree.start(["sh", "-c", script, dir]);
  await tree.until(([, child]) => commOf(child?.pid) === "sleep");
  const victim = await examineVictim(tree.pid, NOTHING_ALLOWED);
  const open = victim.files.filter(({ path, use }) => use === "open" && path.startsWith(dir));
  assertEquals(
    open.map((
      { path, kind, size, appendOnly },
    ) => [path.slice(dir.length), kind, size, appendOnly]),
    [
      ["/plain", "file", 5, false],
      ["/log", "file", 0, true],
      ["", "directory", 0, false],
      ["/both", "file", 0, false],
      ["/fifo", "fifo", 0, false],
    ],
  );
  await Deno.remove(dir, { recursive: true });
});

Deno.test("examineVictim: a pipe that leads out of the tree is warned of, one inside is not", async () => {
  await using outside = TestTree.start(["cat"], { piped: true });
  await eventually(() => readStat(outside.pid)?.comm === "cat");
  const warnings = (await examineVictim(outside.pid, NOTHING_ALLOWED)).warnings;
  assertEquals(warnings.length, 1);
  assertStringIncludes(warnings[0], "reads from a pipe on fd 0");
  await using inside = TestTree.start(["sh", "-c", "sleep 1000 | cat; exit"]);
  await inside.until((found) => found.length === 3);
  await eventually(() => listTree(inside.pid).every(({ pid }) => !holdsMore(pid)));
  assertEquals((await examineVictim(inside.pid, NOTHING_ALLOWED)).warnings, []);
});

/** A child of the shell that has not executed its program yet. */
function holdsMore(pid: number): boolean {
  const stat = readStat(pid);
  return stat?.comm === "sh" && stat.parentPid !== Deno.pid;
}

function commOf(pid: number | undefined): string {
  return readStat(pid ?? 0)?.comm ?? "";
}

function readLinkOf(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return "";
  }
}
