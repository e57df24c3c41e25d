import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { checkDestination, type NeededFile } from "../../../src/proc/mod.ts";
import { TestTree } from "./children.ts";
import { FakeProc } from "./fixture.ts";

async function refusal(
  needs: { pids?: number[]; files?: NeededFile[] },
  procRoot?: string,
): Promise<PhaulError> {
  const all = { pids: [], files: [], ownPidNamespace: false, ...needs };
  return await assertRejects(() => checkDestination(all, procRoot), PhaulError);
}

/** A directory with `file` of 3 bytes and mode 0640 in it. */
async function withFile(test: (path: string, fact: NeededFile) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/file`;
  await Deno.writeTextFile(path, "abc");
  await Deno.chmod(path, 0o640);
  await test(path, { path, kind: "file", size: 3, mode: 0o640 });
  await Deno.remove(dir, { recursive: true });
}

Deno.test("checkDestination: a pid that is taken is named with what has it", async () => {
  await using tree = TestTree.startInOurSession(["sleep", "1000"]);
  const error = await refusal({ pids: [tree.pid] });
  assertEquals(error.code, "pid-taken");
  assertStringIncludes(error.message, `pid ${tree.pid} is taken by "`);
  await checkDestination({ pids: [tree.pid], files: [], ownPidNamespace: true });
});

Deno.test("checkDestination: a thread's id is taken as well", async () => {
  const task = Array.from(Deno.readDirSync("/proc/self/task"), ({ name }) => Number(name));
  const tid = task.find((id) => id !== Deno.pid) ?? 0;
  assertEquals((await refusal({ pids: [tid] })).code, "pid-taken");
});

Deno.test("checkDestination: an id is taken while a group or session bears it", async () => {
  using proc = new FakeProc([{ pid: 20, comm: "left", group: 10, session: 5 }]);
  const error = await refusal({ pids: [5, 10, 11] }, proc.root);
  assertStringIncludes(
    error.message,
    `pid 10 is taken as the process group of process 20 ("left")`,
  );
  assertStringIncludes(error.message, `pid 5 is taken as the session of process 20`);
  await checkDestination({ pids: [11], files: [], ownPidNamespace: false }, proc.root);
});

Deno.test("checkDestination: files alike pass", async () => {
  await withFile(async (path, fact) => {
    const directory: NeededFile = { path: path.replace(/\/file$/, ""), kind: "directory", size: 0 };
    const device: NeededFile = { path: "/dev/null", kind: "device", size: 0, mode: 0 };
    const files = [fact, directory, device, { ...fact, size: 99, appendOnly: true }];
    await checkDestination({ pids: [], files, ownPidNamespace: false });
  });
});

Deno.test("checkDestination: a missing file is named", async () => {
  await withFile(async (path, fact) => {
    const error = await refusal({ files: [{ ...fact, path: `${path}2`, use: "open" }] });
    assertEquals(error.code, "file-missing");
    assertStringIncludes(error.message, `"${path}2" is missing`);
    assertStringIncludes(error.remedy, "rsync");
  });
});

Deno.test("checkDestination: another size, mode or kind is a file that differs", async () => {
  await withFile(async (path, fact) => {
    const size = await refusal({ files: [{ ...fact, size: 4 }] });
    assertStringIncludes(size.message, `"${path}" has 3 bytes, not 4`);
    assertStringIncludes(size.remedy, ">>");
    const mode = await refusal({ files: [{ ...fact, mode: 0o644 }] });
    assertStringIncludes(mode.message, `"${path}" has mode 0640, not 0644`);
    const kind = await refusal({ files: [{ ...fact, kind: "directory" }] });
    assertStringIncludes(kind.message, `"${path}" is a file, not a directory`);
    assertEquals([size.code, mode.code, kind.code], Array(3).fill("file-differs"));
  });
});

Deno.test("checkDestination: five problems are told, the others counted, pids first", async () => {
  const files = Array.from({ length: 6 }, (_, i): NeededFile => ({
    path: `/nowhere/${i}`,
    kind: "file",
    size: 1,
  }));
  const error = await refusal({ pids: [Deno.pid], files });
  assertEquals(error.code, "pid-taken");
  assertEquals(error.message.match(/is missing/g)?.length, 4);
  assertStringIncludes(error.message, "; and 2 more");
});
