import { assertArrayIncludes, assertEquals } from "@std/assert";
import { eventually, TestTree } from "../proc/children.ts";
import { FakeProc, type FakeProcess } from "../proc/fixture.ts";
import { judgeNetlink } from "../../../src/check/netlink.ts";
import { findingsOf } from "./examine.ts";

const WRITES_ONLY = "pos:\t0\nflags:\t0100001\n";

/** What is found of a process with these traits, and these beside it. */
async function foundFor(
  traits: Partial<FakeProcess>,
  options: Parameters<typeof findingsOf>[1] = {},
  others: readonly FakeProcess[] = [],
): Promise<string[]> {
  using proc = new FakeProc([{ pid: 10, children: [], ...traits }, ...others]);
  return await findingsOf(10, options, { procRoot: proc.root });
}

/** A shell in a session of its own that runs `script` and stays; resolves once it did. */
async function startShell(script: string): Promise<TestTree & { readonly dir: string }> {
  const dir = await Deno.makeTempDir();
  const tree = TestTree.start([
    "sh",
    "-c",
    `cd ${dir}; ${script}; : > done; while :; do sleep 1000; done`,
  ]);
  await eventually(() => Array.from(Deno.readDirSync(dir)).some(({ name }) => name === "done"));
  return Object.assign(tree, { dir });
}

function isThere(pid: number): boolean {
  try {
    return !Deno.readTextFileSync(`/proc/${pid}/stat`).includes(") Z ");
  } catch {
    return false;
  }
}

Deno.test("examineVictim: objects of the kernel that CRIU knows pass, others are blockers", async () => {
  const known = ["eventfd", "eventpoll", "signalfd", "timerfd", "fanotify"];
  for (const target of [...known.map((kind) => `anon_inode:[${kind}]`), "anon_inode:inotify"]) {
    assertEquals(await foundFor({ fds: { 3: { target } } }), [], target);
  }
  for (const kind of ["[io_uring]", "[perf_event]", "bpf-prog", "kvm-vm"]) {
    const found = await foundFor({ fds: { 3: { target: `anon_inode:${kind}` } } });
    assertEquals(found, ["blocker kernel-object"], kind);
  }
  const map = await foundFor({ fds: { 3: { target: "anon_inode:bpf-map" } } });
  assertEquals(map, ["warning kernel-object"]);
});

Deno.test("examineVictim: a pidfd is a blocker for a CRIU before 4.1, by either name", async () => {
  for (const target of ["anon_inode:[pidfd]", "pidfd:[4711]"]) {
    assertEquals(await foundFor({ fds: { 3: { target } } }), []);
    const found = await foundFor({ fds: { 3: { target } } }, {
      pidfds: () => Promise.resolve(false),
    });
    assertEquals(found, ["blocker kernel-object"]);
  }
});

Deno.test("examineVictim: watches on files are a note", async () => {
  const info = "pos:\t0\nflags:\t00\ninotify wd:1 ino:2 sdev:3 mask:4 ignored_mask:0\n";
  const found = await foundFor({ fds: { 3: { target: "anon_inode:inotify", info } } });
  assertEquals(found, ["note file-watch"]);
});

Deno.test("examineVictim: a device with a state is a blocker, null and its kin are none", async () => {
  const nodes = { 3: { target: "/dev/null" }, 4: { target: "/dev/urandom" } };
  assertEquals(await foundFor({ fds: nodes }), []);
  const kmsg = { target: "/dev/kmsg" };
  assertEquals(await foundFor({ fds: { 3: kmsg } }), ["blocker device"]);
  assertEquals(await foundFor({ fds: { 3: { ...kmsg, info: WRITES_ONLY } } }), []);
});

Deno.test("examineVictim: a deleted file travels up to the limit", async () => {
  const script = "exec 3<>gone; head -c 8192 /dev/zero >&3; rm gone";
  await using tree = await startShell(script);
  assertArrayIncludes(await findingsOf(tree.pid), ["note deleted-file"]);
  const found = await findingsOf(tree.pid, { ghostLimitBytes: 4096 });
  assertArrayIncludes(found, ["blocker deleted-file"]);
});

Deno.test("examineVictim: a deleted file with a second name needs linkRemap", async () => {
  await using tree = await startShell(": > one; ln one two; exec 3< one; rm one");
  assertArrayIncludes(await findingsOf(tree.pid), ["blocker link-remap"]);
  assertArrayIncludes(await findingsOf(tree.pid, { linkRemap: true }), ["note link-remap"]);
});

Deno.test("examineVictim: System V memory is a blocker without an IPC namespace of its own", async () => {
  const maps = "7f00-7f01 rw-s 00000000 00:01 5   /SYSV00000000 (deleted)\n";
  const shared = Deno.readLinkSync("/proc/self/ns/ipc");
  assertEquals(await foundFor({ maps, ns: { ipc: shared } }), ["blocker sysv-memory"]);
  assertEquals(await foundFor({ maps, ns: { ipc: "ipc:[1]" } }), []);
});

/** A Perl (its core is essential in Debian) that did `code`, and stays. */
async function startPerl(code: string): Promise<TestTree> {
  const done = `${await Deno.makeTempDir()}/done`;
  const tree = TestTree.start(["perl", "-e", `${code}; open F, ">${done}"; sleep while 1;`]);
  await eventually(() => Array.from(Deno.readDirSync(done.slice(0, -"/done".length))).length > 0);
  return tree;
}

Deno.test("examineVictim: a System V queue or semaphore in use is a blocker", async () => {
  const uses = {
    "msgsnd($id = msgget(0, 0600), pack('l! a4', 1, 'text'), 0) or die": "msgctl($id, 0, 0)",
    "semop($id = semget(0, 2, 0600), pack('s3', 1, 1, 0)) or die": "semctl($id, 0, 0, 0)",
  };
  for (const [use, removal] of Object.entries(uses)) {
    await using tree = await startPerl(`$SIG{TERM} = sub { ${removal}; exit }; ${use}`);
    assertArrayIncludes(await findingsOf(tree.pid), ["blocker sysv-object"], use);
    Deno.kill(tree.pid, "SIGTERM");
    await eventually(() => !isThere(tree.pid));
  }
  await using other = await startPerl("");
  assertEquals((await findingsOf(other.pid)).filter((found) => found.includes("sysv")), []);
});

Deno.test("judgeNetlink: what CRIU refuses, now or for good", () => {
  const judge = (port: number, groups: number[], unreadBytes: number) =>
    judgeNetlink({ port, groups, unreadBytes }, "it").map(({ severity }) => severity);
  assertEquals(judge(0, [1, 0], 0), ["blocker"]);
  assertEquals(judge(9, [0, 1], 0), ["blocker"]);
  assertEquals(judge(9, [1, 0], 768), ["warning"]);
  assertEquals(judge(9, [1, 0], 0), []);
  assertEquals(judge(0, [], 0), []);
});

Deno.test("examineVictim: a real netlink socket with groups and no address is a blocker", async () => {
  // NETLINK_ADD_MEMBERSHIP of RTNLGRP_LINK.
  const join = "socket(S, 16, 3, 0); setsockopt(S, 270, 1, pack('I', 1)) or die";
  await using tree = await startPerl(join);
  assertArrayIncludes(await findingsOf(tree.pid), ["blocker netlink"]);
});

Deno.test("examineVictim: a real netlink socket with something unread is warned of", async () => {
  // RTM_GETLINK with NLM_F_REQUEST and NLM_F_DUMP.
  const request =
    "socket(S, 16, 3, 0); syswrite(S, pack('LSSLLC16', 32, 18, 0x301, 1, 0, (0) x 16)) or die";
  await using tree = await startPerl(request);
  assertArrayIncludes(await findingsOf(tree.pid), ["warning netlink"]);
});

Deno.test("examineVictim: probes of a tracing tool are a blocker", async () => {
  const maps = "7f00-7f01 --xp 00000000 00:00 0   [uprobes]\n";
  assertEquals(await foundFor({ maps }), ["blocker uprobes"]);
});

Deno.test("examineVictim: a namespace of one process only is nested, and a blocker", async () => {
  const child = { pid: 11, parentPid: 10 };
  const ns = { uts: "uts:[1]", mnt: "mnt:[1]" };
  const inside = { uts: "uts:[2]", mnt: "mnt:[2]" };
  const nested = await foundFor({ ns, children: [11] }, {}, [{ ...child, ns: inside }]);
  assertEquals(nested, ["blocker nested-namespace", "warning own-namespace"]);
  const alike = await foundFor({ ns, children: [11] }, {}, [{ ...child, ns }]);
  assertEquals(alike, ["warning own-namespace"]);
});

Deno.test("examineVictim: a tree in a pid namespace has to begin at its init", async () => {
  const ns = { pid: "pid:[1]" };
  const inner = { ns, nsPids: [10, 7], nsSessions: [10, 7] };
  assertEquals(await foundFor(inner), ["blocker pid-namespace"]);
  assertEquals(await foundFor({ ns, nsPids: [10, 1], nsSessions: [10, 1] }), []);
});

Deno.test("examineVictim: a security profile is warned of, filters are a note", async () => {
  assertEquals(await foundFor({ profile: "nginx (enforce)\n" }), ["warning security-profile"]);
  assertEquals(await foundFor({ profile: "unconfined\n" }), []);
  assertEquals(await foundFor({ seccomp: 2 }), ["note seccomp"]);
});
