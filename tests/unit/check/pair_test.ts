import { assertEquals, assertStringIncludes } from "@std/assert";
import { checkHost, checkPair, type JudgedHost, type PairedHost } from "../../../src/check/mod.ts";

const FINE: JudgedHost = {
  dirtyTracking: true,
  lazyPages: true,
  timeNamespaces: true,
  pidMax: 32_768,
  ptraceScope: 1,
  lacks: [],
  roomBytes: 1000,
};
const DEMAND = { pids: [4711], ownPidNamespace: false, memoryBytes: 1000, otherUsers: true };

const HOST: PairedHost = {
  criuVersion: "4.1.1",
  kernel: "6.12.1-amd64",
  arch: "x86_64",
  pageSize: 4096,
  cgroupVersion: 2,
};
const ALIKE = { clockAheadMs: 900 };
const LACKS = { lacks: true, reason: "no AVX" };

function codes(findings: readonly { severity: string; code: string }[]): string[] {
  return findings.map(({ severity, code }) => `${severity} ${code}`);
}

Deno.test("checkHost: nothing is said of a host that is fit", () => {
  assertEquals(checkHost(FINE, "source", DEMAND), []);
  assertEquals(checkHost(FINE, "destination", DEMAND), []);
});

Deno.test("checkHost: what matters to one role only is told of that one", () => {
  const poor = { ...FINE, dirtyTracking: false, lazyPages: false, roomBytes: 999, pidMax: 4711 };
  assertEquals(codes(checkHost(poor, "source", DEMAND)), ["warning dirty-tracking"]);
  assertEquals(codes(checkHost(poor, "destination", DEMAND)), [
    "note lazy-pages",
    "blocker pid-max",
    "warning room",
  ]);
});

Deno.test("checkHost: a pid namespace of its own needs no high pids", () => {
  const demand = { ...DEMAND, ownPidNamespace: true };
  assertEquals(checkHost({ ...FINE, pidMax: 10 }, "destination", demand), []);
});

Deno.test("checkHost: pid-max names a limit that is enough", () => {
  const [finding] = checkHost({ ...FINE, pidMax: 100 }, "destination", {
    ...DEMAND,
    pids: [32_768],
  });
  assertStringIncludes(finding?.remedy ?? "", "kernel.pid_max=65536");
});

Deno.test("checkHost: the kernel's rules are told of either role", () => {
  const strict = { ...FINE, ptraceScope: 3, timeNamespaces: false, lacks: ["CAP_KILL"] };
  const found = ["blocker ptrace-scope", "warning capability", "warning time-namespace"];
  assertEquals(codes(checkHost(strict, "source", DEMAND)), found);
  assertEquals(codes(checkHost(strict, "destination", DEMAND)), found);
});

Deno.test("checkHost: what only other users' processes need is a note for a tree of root's", () => {
  const host = { ...FINE, lacks: ["CAP_KILL", "CAP_SYS_PTRACE"] };
  const found = checkHost(host, "source", { ...DEMAND, otherUsers: false });
  assertEquals(codes(found), ["note capability", "warning capability"]);
});

Deno.test("checkHost: what a dump of other users' processes cannot do without stops it", () => {
  const host = { ...FINE, lacks: ["CAP_SYS_RESOURCE"] };
  const of = (role: "source" | "destination", otherUsers: boolean) =>
    codes(checkHost(host, role, { ...DEMAND, otherUsers }));
  assertEquals(of("source", true), ["blocker capability"]);
  assertEquals(of("source", false), ["note capability"]);
  assertEquals(of("destination", true), ["warning capability"]);
});

Deno.test("checkPair: hosts that are alike, and a newer destination, fit", () => {
  assertEquals(checkPair(HOST, HOST, ALIKE), []);
  const newer = { ...HOST, criuVersion: "4.2", kernel: "7.0.0" };
  assertEquals(checkPair(HOST, newer, ALIKE), []);
});

Deno.test("checkPair: patch levels are no difference", () => {
  const other = { ...HOST, criuVersion: "4.1", kernel: "6.12.0-rc1" };
  assertEquals(checkPair(HOST, other, ALIKE), []);
});

Deno.test("checkPair: another machine stops, and nothing else is compared then", () => {
  const other = { ...HOST, criuVersion: "3.17.1" };
  const clock = { clockAheadMs: 10_000 };
  assertEquals(codes(checkPair(HOST, { ...other, arch: "aarch64" }, clock)), [
    "blocker architecture",
  ]);
  assertEquals(codes(checkPair(HOST, { ...other, pageSize: 65_536 }, clock)), [
    "blocker page-size",
  ]);
});

Deno.test("checkPair: older software warns, and so does a clock that differs, either way", () => {
  const older = { ...HOST, criuVersion: "3.17.1", kernel: "6.1.0-18-amd64", cgroupVersion: 1 };
  assertEquals(codes(checkPair(HOST, older, ALIKE)), [
    "warning criu-older",
    "warning kernel-older",
    "note cgroup-version",
  ]);
  const [ahead, behind] = [1500, -1500].map((clockAheadMs) =>
    checkPair(HOST, HOST, { clockAheadMs })
  );
  assertStringIncludes(ahead?.[0]?.message ?? "", "1.5 s ahead of");
  assertStringIncludes(behind?.[0]?.message ?? "", "1.5 s behind");
});

Deno.test("checkPair: a CPU that lacks something stops; on the way back it is a note", () => {
  assertEquals(codes(checkPair(HOST, HOST, { ...ALIKE, cpuThere: LACKS })), ["blocker cpu"]);
  assertEquals(codes(checkPair(HOST, HOST, { ...ALIKE, cpuBack: LACKS })), [
    "note cpu-way-back",
  ]);
});

Deno.test("checkPair: a CPU with larger registers, as a newer one has, is warned of", () => {
  const cpuThere = { lacks: false, reason: "CPU xsave size mismatch (832/2696)" };
  assertEquals(codes(checkPair(HOST, HOST, { ...ALIKE, cpuThere })), ["warning cpu-state"]);
  assertEquals(checkPair(HOST, HOST, { ...ALIKE, cpuBack: cpuThere }), []);
});
