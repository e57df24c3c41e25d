import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { findByName, findByPidFile, findByUnit } from "../../../src/proc/mod.ts";
import { FakeProc, type FakeProcess } from "./fixture.ts";

function found(name: string, processes: readonly FakeProcess[], ownPid?: number): number {
  using proc = new FakeProc(processes);
  return findByName(name, proc.root, ownPid);
}

function refusal(...args: Parameters<typeof found>): PhaulError {
  const error = assertThrows(() => found(...args), PhaulError);
  assertEquals(error.code, "no-such-process");
  return error;
}

Deno.test("findByName: by the command name, or by what the program was started as", () => {
  const redis = { pid: 7, comm: "redis-server", arguments: ["/usr/bin/redis-server *:6379"] };
  const script = { pid: 8, comm: "python3", arguments: ["/opt/report", "--all"] };
  assertEquals(found("redis-server", [redis, script]), 7);
  assertEquals(found("report", [redis, script]), 8);
  assertEquals(found("python3", [redis, script]), 8);
});

Deno.test("findByName: a name that the kernel cut is known whole", () => {
  const long = { pid: 7, comm: "systemd-network", arguments: ["/lib/systemd/systemd-networkd"] };
  assertEquals(found("systemd-networkd", [long]), 7);
});

Deno.test("findByName: of a server with workers the server is meant", () => {
  const worker = (pid: number, parentPid: number) => ({ pid, parentPid, comm: "nginx" });
  const between = { pid: 9, parentPid: 7, comm: "sh" };
  assertEquals(found("nginx", [worker(7, 1), worker(8, 7), between, worker(10, 9)]), 7);
});

Deno.test("findByName: of two that are strangers to each other neither is taken", () => {
  const error = refusal("bash", [{ pid: 7, comm: "bash" }, { pid: 8, comm: "bash" }]);
  assertStringIncludes(error.message, "2 are called so (7, 8)");
});

Deno.test("findByName: neither a zombie nor phaul, which was told the name, is meant", () => {
  const zombie = { pid: 7, comm: "redis", state: "Z" };
  const own = { pid: 8, comm: "redis" };
  assertStringIncludes(refusal("redis", [zombie, own], 8).message, "there is none");
});

Deno.test("findByPidFile: reads the first number, and refuses what is none", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, " 4711\n");
  assertEquals(findByPidFile(path), 4711);
  for (const text of ["", "redis", "0", "-1", "99999999999"]) {
    await Deno.writeTextFile(path, text);
    assertEquals(assertThrows(() => findByPidFile(path), PhaulError).code, "no-such-process");
  }
  await Deno.remove(path);
  assertThrows(() => findByPidFile(path), PhaulError, "holds no pid");
});

Deno.test("findByUnit: the main process, with .service where nothing is said", async () => {
  const asked: string[] = [];
  const systemctl = (args: readonly string[]) => {
    asked.push(args.at(-1) ?? "");
    return Promise.resolve("MainPID=4711\n");
  };
  assertEquals(await findByUnit("web", systemctl), 4711);
  assertEquals(await findByUnit("web@1.service", systemctl), 4711);
  assertEquals(asked, ["web.service", "web@1.service"]);
});

Deno.test("findByUnit: one without a main process, and a systemd that is silent, are told", async () => {
  const none = () => findByUnit("web", () => Promise.resolve("MainPID=0\n"));
  await assertRejects(none, PhaulError, "none runs");
  const silent = () => findByUnit("web", () => Promise.reject(new Error("no bus")));
  await assertRejects(silent, PhaulError, "no bus");
});
