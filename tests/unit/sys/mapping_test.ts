import { assertEquals } from "@std/assert";
import { Errno, loadLibc, Mapping, openFile, setLength } from "../../../src/sys/mod.ts";
import { Temporary } from "../pages/temporary.ts";
import { syscallErrorOf } from "./helpers.ts";

loadLibc();

Deno.test("Mapping: shows a file that is closed, and one that has no name any more", () => {
  using dir = new Temporary();
  const path = `${dir.path}/file`;
  Deno.writeFileSync(path, Uint8Array.from({ length: 10_000 }, (_, index) => index & 0xff));
  const file = openFile(path, "read");
  using mapping = Mapping.of(file, 10_000);
  file.close();
  Deno.removeSync(path);
  assertEquals(mapping.byteLength, 10_000);
  assertEquals(mapping.address % 4096, 0);
  assertEquals(mapping.bytes().every((byte, index) => byte === (index & 0xff)), true);
});

Deno.test("Mapping: what is written into one for update is in the file", () => {
  using dir = new Temporary();
  const path = `${dir.path}/file`;
  {
    using file = openFile(path, "update");
    setLength(file, 8192);
    using mapping = Mapping.of(file, 8192, "update");
    mapping.bytes()[5000] = 7;
  }
  const bytes = Deno.readFileSync(path);
  assertEquals([bytes.length, bytes[4999], bytes[5000]], [8192, 0, 7]);
});

Deno.test("setLength: keeps what is there, adds zeros, and cuts", () => {
  using dir = new Temporary();
  const path = `${dir.path}/file`;
  Deno.writeTextFileSync(path, "abc");
  using file = openFile(path, "update");
  setLength(file, 5);
  assertEquals(Deno.readTextFileSync(path), "abc\0\0");
  setLength(file, 1);
  assertEquals(Deno.readTextFileSync(path), "a");
});

Deno.test("Mapping, setLength: failures are errors with the call's name", async () => {
  using file = openFile("/dev/null", "read");
  const unmappable = await syscallErrorOf(() => Mapping.of(file, 4096));
  assertEquals([unmappable.errno, unmappable.message], [Errno.ENODEV, "Cannot mmap: ENODEV"]);
  const fixed = await syscallErrorOf(() => setLength(file, 1));
  assertEquals([fixed.errno, fixed.message], [Errno.EINVAL, "Cannot ftruncate: EINVAL"]);
});
