import { assert, assertEquals } from "@std/assert";
import { Errno, loadLibc, openFile } from "../../../src/sys/mod.ts";
import { fdFlags, O_CLOEXEC, syscallErrorOf } from "./helpers.ts";

loadLibc();

const O_ACCMODE = 0o3;
const O_APPEND = 0o2000;
const O_PATH = 0o10000000;

Deno.test("openFile: each mode opens close-on-exec with its own flags", async () => {
  const path = await Deno.makeTempFile();
  try {
    using read = openFile(path, "read");
    using write = openFile(path, "write");
    using append = openFile(path, "append");
    using named = openFile(path, "path");
    const flags = [read, write, append, named].map((fd) => fdFlags(fd.raw));
    assertEquals(flags.map((flag) => flag & O_ACCMODE), [0, 1, 1, 0]);
    assertEquals(flags.map((flag) => (flag & O_APPEND) !== 0), [false, false, true, false]);
    assertEquals(flags.map((flag) => (flag & O_PATH) !== 0), [false, false, false, true]);
    assert(flags.every((flag) => (flag & O_CLOEXEC) !== 0));
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("openFile: write empties the file, append keeps it", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "kept");
    openFile(path, "append").close();
    assertEquals(await Deno.readTextFile(path), "kept");
    openFile(path, "write").close();
    assertEquals(await Deno.readTextFile(path), "");
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("openFile: a new file is for its owner only", async () => {
  const directory = await Deno.makeTempDir();
  try {
    openFile(`${directory}/new`, "write").close();
    assertEquals(((await Deno.stat(`${directory}/new`)).mode ?? 0) & 0o777, 0o600);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("openFile: an error names the path", async () => {
  const error = await syscallErrorOf(() => openFile("/does/not/exist", "read"));
  assertEquals(error.errno, Errno.ENOENT);
  assertEquals(error.message, "Cannot open '/does/not/exist': ENOENT");
});
