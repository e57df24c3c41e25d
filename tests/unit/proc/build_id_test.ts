import { assert, assertEquals } from "@std/assert";
import { buildIdIn, readBuildId } from "../../../src/proc/build_id.ts";

const ID = [0xde, 0xad, 0xbe, 0xef, 1];

/** An ELF file with one note segment: a foreign note, then the build id. */
function elf(change: (view: DataView) => void = () => {}): Uint8Array {
  const bytes = new Uint8Array(200);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  view.setBigUint64(32, 64n, true); // program headers
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true);
  view.setUint32(64, 4, true); // PT_NOTE
  view.setBigUint64(64 + 8, 120n, true);
  view.setBigUint64(64 + 32, 52n, true);
  const note = (at: number, name: string, type: number, data: readonly number[]) => {
    [name.length, data.length, type].forEach((field, i) => view.setUint32(at + i * 4, field, true));
    bytes.set(new TextEncoder().encode(name), at + 12);
    bytes.set(data, at + 12 + Math.ceil(name.length / 4) * 4);
  };
  note(120, "X\0", 3, [1, 2, 3, 4]);
  note(140, "GNU\0", 3, ID);
  change(view);
  return bytes;
}

function idOf(bytes: Uint8Array): number[] | undefined {
  const found = buildIdIn((offset, length) => bytes.subarray(offset, offset + length));
  return found && [...found];
}

Deno.test("buildIdIn: finds the note behind others", () => assertEquals(idOf(elf()), ID));

Deno.test("buildIdIn: what is no ELF file of 64 bits has none", () => {
  assertEquals(idOf(new Uint8Array(10)), undefined);
  assertEquals(idOf(elf((view) => view.setUint8(4, 1))), undefined);
});

Deno.test("buildIdIn: lengths that lead out of the note end the search", () => {
  assertEquals(idOf(elf((view) => view.setUint32(144, 0xffff_ffff, true))), undefined);
  assertEquals(idOf(elf((view) => view.setUint32(120, 0xffff_ffff, true))), undefined);
});

Deno.test("buildIdIn: whatever the bytes are, it ends", () => {
  for (let at = 0; at < 200; at++) {
    const bytes = elf();
    crypto.getRandomValues(bytes.subarray(at, at + 4));
    buildIdIn((offset, length) => bytes.subarray(offset, offset + length));
  }
});

Deno.test("readBuildId: of a program there is one, of anything else none", () => {
  const id = readBuildId(Deno.realPathSync("/usr/bin/env"));
  assert(id === undefined || id.length >= 8);
  assertEquals(readBuildId("/etc/passwd"), undefined);
  assertEquals(readBuildId("/nowhere"), undefined);
  assertEquals(readBuildId("/"), undefined);
});
