import { assert, assertEquals, assertThrows } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { libc } from "../../../src/sys/libc.ts";
import {
  type Child,
  Errno,
  Fd,
  loadLibc,
  openFile,
  recvMessage,
  seqpacketPair,
  spawn,
  type SpawnOptions,
} from "../../../src/sys/mod.ts";
import { fdTarget, processStat, syscallErrorOf, untilState } from "./helpers.ts";

loadLibc();

function sleeper(options: Partial<SpawnOptions> = {}): Child {
  return spawn({ command: "sleep", args: ["1000"], ...options });
}

/**
 * The descriptors of a child with these options. It stops itself, so that it is seen neither before the
 * end of its exec, which spawn does not quite wait for, nor while it loads its libraries.
 */
async function openIn(options: Partial<SpawnOptions> = {}): Promise<number[]> {
  using child = spawn({ command: "sh", args: ["-c", "kill -STOP $$"], ...options });
  await untilState(child.pid, "T");
  const names = [...Deno.readDirSync(`/proc/${child.pid}/fd`)].map((entry) => Number(entry.name));
  return names.sort((a, b) => a - b);
}

/** What `command` prints to its stdout. */
async function outputOf(options: SpawnOptions): Promise<string> {
  const path = await Deno.makeTempFile();
  try {
    using file = openFile(path, "write");
    using child = spawn({ ...options, stdout: file });
    assertEquals(await child.wait(), { code: 0 });
    return await Deno.readTextFile(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("spawn: arguments arrive as they are", async () => {
  const args = ["%s|", "a b", "", "ä$'\"\n"];
  assertEquals(await outputOf({ command: "printf", args }), "a b||ä$'\"\n|");
});

Deno.test("spawn: the environment is exactly the one given", async () => {
  assertEquals(await outputOf({ command: "env", args: [], env: { A: "1 2" } }), "A=1 2\n");
});

Deno.test("spawn: without an environment of its own it has this process's", async () => {
  const output = await outputOf({ command: "sh", args: ["-c", 'echo "$HOME"'] });
  assertEquals(output, `${Deno.env.get("HOME") ?? ""}\n`);
});

Deno.test("spawn: starts where it is told", async () => {
  assertEquals(await outputOf({ command: "pwd", args: ["-P"], cwd: "/proc" }), "/proc\n");
});

Deno.test("spawn: an inherited descriptor has the same number, and there are no others", async () => {
  const [one, other] = seqpacketPair();
  using ours = one;
  using theirs = other;
  using _unrelated = openFile("/dev/zero", "read");
  assertEquals(await openIn({ inherit: [theirs] }), [0, 1, 2, theirs.raw]);
  using child = sleeper({ inherit: [theirs] });
  assertEquals(fdTarget(theirs.raw, child.pid), fdTarget(theirs.raw));
  assert(!ours.closed && !theirs.closed);
});

Deno.test("spawn: the last holder of a socket is the child, so its death is the end", async () => {
  const [one, other] = seqpacketPair();
  using ours = one;
  using child = sleeper({ inherit: [other] });
  other.close();
  const pending = recvMessage(ours);
  child.kill("SIGKILL");
  assertEquals(await pending, null);
});

Deno.test("spawn: closes what this process itself got without close-on-exec", async () => {
  using stray = openFile("/dev/zero", "read");
  const F_SETFD = 2;
  assertEquals(libc().fcntl(stray.raw, F_SETFD, 0), 0);
  assertEquals(await openIn(), [0, 1, 2]);
  assertEquals(await openIn({ inherit: [stray] }), [0, 1, 2, stray.raw]);
});

Deno.test("spawn: stdio is /dev/null unless told otherwise", () => {
  using child = sleeper();
  assertEquals([0, 1, 2].map((raw) => fdTarget(raw, child.pid)), new Array(3).fill("/dev/null"));
  using zero = openFile("/dev/zero", "read");
  using told = sleeper({ stdin: zero, stdout: "inherit", stderr: zero });
  assertEquals(
    [0, 1, 2].map((raw) => fdTarget(raw, told.pid)),
    ["/dev/zero", fdTarget(1), "/dev/zero"],
  );
});

Deno.test("spawn: a descriptor that stdio would overwrite is refused", () => {
  const stdin = Fd.own(0);
  assertThrows(() => sleeper({ inherit: [stdin] }), PhaulError, "duplicate it first");
  assertThrows(() => sleeper({ stdout: stdin }), PhaulError, "duplicate it first");
  stdin.intoRaw();
});

Deno.test("spawn: newSession makes it the leader of a session, else it stays in this one", () => {
  using leader = sleeper({ newSession: true });
  const own = processStat(leader.pid);
  assertEquals([own?.session, own?.processGroup], [leader.pid, leader.pid]);
  using member = sleeper();
  assertEquals(processStat(member.pid)?.session, processStat(Deno.pid)?.session);
  assertEquals(processStat(member.pid)?.parentPid, Deno.pid);
});

Deno.test("spawn: no signal is ignored or blocked in the child", () => {
  const masks = (pid: number | "self") => {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return ["SigIgn", "SigBlk"].map((name) =>
      BigInt("0x" + new RegExp(`^${name}:\\s*(\\w+)$`, "m").exec(status)?.[1])
    );
  };
  assert((masks("self")[0] ?? 0n) !== 0n, "the runtime ignores SIGPIPE, else nothing is tested");
  using child = sleeper();
  assertEquals(masks(child.pid), [0n, 0n]);
});

Deno.test("spawn: an error names the command", async () => {
  const missing = await syscallErrorOf(() => spawn({ command: "/does/not/exist", args: [] }));
  assertEquals(missing.errno, Errno.ENOENT);
  assertEquals(missing.message, "Cannot start '/does/not/exist': ENOENT");
  const denied = await syscallErrorOf(() => spawn({ command: "/etc/passwd", args: [] }));
  assertEquals(denied.errno, Errno.EACCES);
  const nowhere = await syscallErrorOf(() => sleeper({ cwd: "/does/not/exist" }));
  assertEquals(nowhere.errno, Errno.ENOENT);
});

Deno.test("spawn: a NUL in an argument is refused, not cut off", () => {
  assertThrows(() => spawn({ command: "true", args: ["a\0b"] }), TypeError, "holds a NUL");
});
