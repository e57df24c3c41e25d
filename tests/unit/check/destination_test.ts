import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { checkDestination, type NeededFile, refuseBlockers } from "../../../src/check/mod.ts";
import { TestTree } from "../proc/children.ts";
import { FakeProc } from "../proc/fixture.ts";

function refusal(
  needs: { pids?: number[]; files?: NeededFile[] },
  procRoot?: string,
): PhaulError {
  const all = { pids: [], files: [], ownPidNamespace: false, ...needs };
  const findings = checkDestination(all, procRoot);
  return assertThrows(() => refuseBlockers("take it in", findings), PhaulError);
}

/** A directory with `file` of 3 bytes and mode 0640 in it. */
async function withFile(test: (path: string, fact: NeededFile) => void): Promise<void> {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/file`;
  await Deno.writeTextFile(path, "abc");
  await Deno.chmod(path, 0o640);
  test(path, { path, kind: "file", size: 3, mode: 0o640 });
  await Deno.remove(dir, { recursive: true });
}

Deno.test("checkDestination: a pid that is taken is named with what has it", async () => {
  await using tree = TestTree.startInOurSession(["sleep", "1000"]);
  const error = refusal({ pids: [tree.pid] });
  assertEquals(error.code, "pid-taken");
  assertStringIncludes(error.message, `pid ${tree.pid} is taken by "`);
  assertEquals(checkDestination({ pids: [tree.pid], files: [], ownPidNamespace: true }), []);
});

Deno.test("checkDestination: a thread's id is taken as well", () => {
  const task = Array.from(Deno.readDirSync("/proc/self/task"), ({ name }) => Number(name));
  const tid = task.find((id) => id !== Deno.pid) ?? 0;
  assertEquals(refusal({ pids: [tid] }).code, "pid-taken");
});

Deno.test("checkDestination: an id is taken while a group or session bears it", () => {
  using proc = new FakeProc([{ pid: 20, comm: "left", group: 10, session: 5 }]);
  const error = refusal({ pids: [5, 10, 11] }, proc.root);
  assertStringIncludes(
    error.message,
    `pid 10 is taken as the process group of process 20 ("left")`,
  );
  assertStringIncludes(error.message, `pid 5 is taken as the session of process 20`);
  assertEquals(checkDestination({ pids: [11], files: [], ownPidNamespace: false }, proc.root), []);
});

Deno.test("checkDestination: files alike pass", async () => {
  await withFile((path, fact) => {
    const directory: NeededFile = { path: path.replace(/\/file$/, ""), kind: "directory", size: 0 };
    const device: NeededFile = { path: "/dev/null", kind: "device", size: 0, mode: 0 };
    const files = [fact, directory, device, { ...fact, size: 99, appendOnly: true }];
    assertEquals(checkDestination({ pids: [], files, ownPidNamespace: false }), []);
  });
});

Deno.test("checkDestination: a missing file is named", async () => {
  await withFile((path, fact) => {
    const error = refusal({ files: [{ ...fact, path: `${path}2` }] });
    assertEquals(error.code, "file-missing");
    assertStringIncludes(error.message, `"${path}2" is missing`);
    assertStringIncludes(error.remedy, "rsync");
  });
});

Deno.test("checkDestination: another size, mode or kind is a file that differs", async () => {
  await withFile((path, fact) => {
    const size = refusal({ files: [{ ...fact, size: 4 }] });
    assertStringIncludes(size.message, `"${path}" has 3 bytes, not 4`);
    assertStringIncludes(size.remedy, ">>");
    const mode = refusal({ files: [{ ...fact, mode: 0o644 }] });
    assertStringIncludes(mode.message, `"${path}" has mode 0640, not 0644`);
    const kind = refusal({ files: [{ ...fact, kind: "directory" }] });
    assertStringIncludes(kind.message, `"${path}" is a file, not a directory`);
    assertEquals([size.code, mode.code, kind.code], Array(3).fill("file-differs"));
  });
});

Deno.test("checkDestination: five problems are told, the others counted, pids first", () => {
  const files = Array.from({ length: 6 }, (_, i): NeededFile => ({
    path: `/nowhere/${i}`,
    kind: "file",
    size: 1,
  }));
  const error = refusal({ pids: [Deno.pid], files });
  assertEquals(error.code, "pid-taken");
  assertEquals(error.message.match(/is missing/g)?.length, 4);
  assertStringIncludes(error.message, "; and 2 more");
});
