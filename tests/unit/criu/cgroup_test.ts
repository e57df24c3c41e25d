import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { leaveServiceCgroup, rootsToMoveTo } from "../../../src/criu/cgroup.ts";
import { PhaulError } from "../../../src/errors.ts";

const V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";
const HYBRID = [
  "31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
  "32 30 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd",
  "33 30 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
  "34 30 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct",
].join("\n");

Deno.test("rootsToMoveTo: out of a service of version 2", () => {
  assertEquals(rootsToMoveTo("0::/system.slice/phaul.service\n", V2), ["/sys/fs/cgroup"]);
});

Deno.test("rootsToMoveTo: out of a service in each hierarchy of version 1 it is below the root of", () => {
  const memberships = [
    "3:cpu,cpuacct:/system.slice/phaul.service",
    "2:memory:/",
    "1:name=systemd:/system.slice/phaul.service",
    "0::/system.slice/phaul.service",
  ].join("\n");
  assertEquals(rootsToMoveTo(memberships, HYBRID), [
    "/sys/fs/cgroup/cpu,cpuacct",
    "/sys/fs/cgroup/systemd",
    "/sys/fs/cgroup/unified",
  ]);
});

Deno.test("rootsToMoveTo: a mere limit outside of any service stays in force", () => {
  assertEquals(rootsToMoveTo("2:memory:/limited\n1:name=systemd:/\n0::/\n", HYBRID), []);
});

Deno.test("rootsToMoveTo: the root of what a container sees is a root", () => {
  const inContainer = "30 23 0:26 /docker/ab /sys/fs/cgroup ro - cgroup2 cgroup rw";
  assertEquals(rootsToMoveTo("0::/docker/ab\n", inContainer), []);
  assertEquals(rootsToMoveTo("0::/\n", inContainer), []);
});

Deno.test("rootsToMoveTo: without cgroups there is nothing to leave", () => {
  assertEquals(rootsToMoveTo("", ""), []);
  assertEquals(rootsToMoveTo("0::/system.slice/phaul.service\n", ""), []);
});

/** A procfs and a cgroup file system of plain files, with process 42 in a service. */
function fakeHost(): { proc: string; cgroup: string } & Disposable {
  const dir = Deno.makeTempDirSync();
  const [proc, cgroup] = [`${dir}/proc`, `${dir}/cgroup`];
  Deno.mkdirSync(`${proc}/42`, { recursive: true });
  Deno.mkdirSync(cgroup);
  Deno.writeTextFileSync(`${proc}/42/cgroup`, "0::/system.slice/phaul.service\n");
  const mount = `30 23 0:26 / ${cgroup} rw - cgroup2 cgroup2 rw\n`;
  Deno.writeTextFileSync(`${proc}/42/mountinfo`, mount);
  return { proc, cgroup, [Symbol.dispose]: () => Deno.removeSync(dir, { recursive: true }) };
}

Deno.test("leaveServiceCgroup: writes the pid to the root's list", () => {
  using host = fakeHost();
  Deno.writeTextFileSync(`${host.cgroup}/cgroup.procs`, "");
  leaveServiceCgroup(42, host.proc);
  assertEquals(Deno.readTextFileSync(`${host.cgroup}/cgroup.procs`), "42");
});

Deno.test("leaveServiceCgroup: one that cannot be left is an error with a remedy", () => {
  using host = fakeHost();
  const error = assertThrows(() => leaveServiceCgroup(42, host.proc));
  assertInstanceOf(error, PhaulError);
  assertEquals(error.code, "destination-unfit");
  assertEquals(typeof error.remedy, "string");
});
