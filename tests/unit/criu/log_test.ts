import { assertEquals } from "@std/assert";
import { excerptOf, logExcerpt } from "../../../src/criu/mod.ts";
import { errorWords } from "../../../src/criu/log.ts";
import { remedyFor } from "../../../src/criu/known_messages.ts";

const LIMITS =
  "(00.000031) Error (criu/rlimit.c:54): Can't setup RLIMIT_NOFILE for self: Operation not permitted";

Deno.test("excerptOf: the first error that matters, without time, pid and place", () => {
  const { reason, lines } = excerptOf([
    LIMITS,
    "(00.001000) Warn  (criu/image.c:134): Failed to open parent directory",
    "(00.002000) Running as 0",
    "(00.004211)     42: Error (criu/sk-inet.c:191): inet: Connected TCP socket, consider using X.",
    "(00.005000) Error (criu/cr-dump.c:1635): Dump files (pid: 42) failed with -1",
    "(00.006000) Error (criu/cr-dump.c:2111): Dumping FAILED.",
  ].join("\n"));
  assertEquals(reason, "inet: Connected TCP socket, consider using X.");
  assertEquals(lines.length, 4);
  assertEquals(lines[0]?.includes("Warn"), true);
});

Deno.test("excerptOf: that a unix socket has no TCP options is no reason", () => {
  const log =
    "Error (criu/util.c:1077): Unable to restore TCP_CORK (1): Operation not supported\n" +
    "Error (criu/util.c:1084): Unable to restore TCP_NODELAY (1): Operation not supported\n" +
    "Error (criu/cr-dump.c:364): Can't get rlimit 0: Operation not permitted\n";
  assertEquals(excerptOf(log).reason, "Can't get rlimit 0: Operation not permitted");
});

Deno.test("excerptOf: a bare failure is a reason when there is no better one", () => {
  assertEquals(excerptOf("Error (criu/a.c:1): Dumping FAILED.\n").reason, "Dumping FAILED.");
});

Deno.test("excerptOf: that a helper exited is no reason when a better one follows", () => {
  const log = "Error (criu/util.c:642): exited, status=1\n" +
    "Error (criu/vdso.c:381): vdso: Unexpected rt vDSO area bounds\n";
  assertEquals(excerptOf(log).reason, "vdso: Unexpected rt vDSO area bounds");
});

Deno.test("excerptOf: only harmless lines give neither reason nor lines", () => {
  assertEquals(excerptOf(LIMITS), { lines: [] });
  assertEquals(excerptOf(""), { lines: [] });
});

Deno.test("excerptOf: a warning is no reason", () => {
  const warning = "(00.1) Warn  (criu/kerndat.c:1): $XDG_RUNTIME_DIR not set";
  assertEquals(excerptOf(warning), { lines: [warning] });
});

Deno.test("excerptOf: of many lines the last 20 stay, and the first error is the reason", () => {
  const lines = Array.from({ length: 50 }, (_, i) => `Error (a.c:${i}): failure ${i}`);
  const excerpt = excerptOf(lines.join("\n"));
  assertEquals(excerpt.reason, "failure 0");
  assertEquals(excerpt.lines, lines.slice(-20));
});

Deno.test("logExcerpt: a log that is not there, or no file, says nothing", async () => {
  assertEquals(await logExcerpt("/nowhere/at/all.log"), { lines: [] });
  assertEquals(await logExcerpt("/"), { lines: [] });
});

Deno.test("logExcerpt: of a log beyond 8 MiB its end is read", async () => {
  const path = await Deno.makeTempFile();
  try {
    const filler = `(00.000001) nothing of note ${"x".repeat(1000)}\n`.repeat(9000);
    await Deno.writeTextFile(path, `Error (a.c:1): long ago\n${filler}Error (a.c:2): just now\n`);
    assertEquals((await logExcerpt(path)).reason, "just now");
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("errorWords: of a cr_errmsg with and without its place", () => {
  assertEquals(errorWords("Error (criu/x.c:1): no such thing\n"), "no such thing");
  assertEquals(errorWords("no such thing"), "no such thing");
  assertEquals(errorWords(LIMITS), undefined);
  assertEquals(errorWords(" \n"), undefined);
});

const REASONS: readonly (readonly [string, RegExp | undefined])[] = [
  ["inet: Connected TCP socket, consider using --tcp-established option.", /--tcp-established/],
  ["tty: Found slave peer index 0 without correspond master peer", /--shell-job/],
  ["Can't dump ghost file /tmp/a of 2097152 size, increase limit", /--ghost-limit/],
  [
    "Some file locks are hold by dumping tasks! You can try --file-locks to dump them.",
    /--file-locks/,
  ],
  ["Can't open file srv/a on restore: No such file or directory", /on the destination/],
  ["File srv/a has bad size 5 (expect 6)", /the same on both/],
  ["inet: Can't bind inet socket (id 7): Address already in use", /Free the address/],
  ["Can't fork for 4711: File exists", /this pid/],
  ["vdso: Unexpected rt vDSO area bounds", /newer criu/],
  ["Unable to detach from 4711: No such process", undefined],
  ["execvp(iptables-restore) failed: No such file or directory", undefined],
];

for (const [reason, remedy] of REASONS) {
  Deno.test(`remedyFor: ${reason}`, () => {
    const found = remedyFor(reason);
    assertEquals(found === undefined, remedy === undefined);
    if (remedy) assertEquals(remedy.test(found ?? ""), true, found);
  });
}
