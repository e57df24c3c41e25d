/**
 * The build id of a program or library: the note NT_GNU_BUILD_ID of its ELF file, by which CRIU tells
 * whether a file is the one that was mapped. Layouts: elf(5).
 *
 * @module
 */

const MAGIC = [0x7f, 0x45, 0x4c, 0x46, 2, 1]; // ELF, 64 bits, little-endian
const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const MAX_PROGRAM_HEADERS = 64;
const MAX_NOTE_BYTES = 4096;
const PT_NOTE = 4;
const NT_GNU_BUILD_ID = 3;
const GNU = "GNU\0";

/** The build id of the file at `path`; undefined when it has none, is no ELF file or cannot be read. */
export function readBuildId(path: string): Uint8Array | undefined {
  try {
    using file = Deno.openSync(path);
    return buildIdIn((offset, length) => readAt(file, offset, length));
  } catch {
    return undefined;
  }
}

/** The same for what `read` gives: up to so many bytes at an offset. */
export function buildIdIn(
  read: (offset: number, length: number) => Uint8Array,
): Uint8Array | undefined {
  const header = read(0, HEADER_BYTES);
  if (header.length < HEADER_BYTES || MAGIC.some((byte, i) => header[i] !== byte)) return undefined;
  const view = viewOf(header);
  const [offset, count] = [Number(view.getBigUint64(32, true)), view.getUint16(56, true)];
  if (view.getUint16(54, true) !== PROGRAM_HEADER_BYTES || count > MAX_PROGRAM_HEADERS) {
    return undefined;
  }
  const programs = read(offset, count * PROGRAM_HEADER_BYTES);
  for (let at = 0; at + PROGRAM_HEADER_BYTES <= programs.length; at += PROGRAM_HEADER_BYTES) {
    const program = viewOf(programs.subarray(at, at + PROGRAM_HEADER_BYTES));
    if (program.getUint32(0, true) !== PT_NOTE) continue;
    const size = Number(program.getBigUint64(32, true));
    const notes = read(Number(program.getBigUint64(8, true)), Math.min(size, MAX_NOTE_BYTES));
    const found = buildIdAmong(notes);
    if (found !== undefined) return found;
  }
  return undefined;
}

function buildIdAmong(notes: Uint8Array): Uint8Array | undefined {
  const view = viewOf(notes);
  for (let at = 0; at + 12 <= notes.length;) {
    const [nameBytes, size, type] = [0, 4, 8].map((field) => view.getUint32(at + field, true));
    if (nameBytes === undefined || size === undefined) return undefined;
    const data = at + 12 + aligned(nameBytes);
    if (data + size > notes.length) return undefined;
    const name = new TextDecoder().decode(notes.subarray(at + 12, at + 12 + nameBytes));
    if (type === NT_GNU_BUILD_ID && name === GNU) return notes.slice(data, data + size);
    at = data + aligned(size);
  }
  return undefined;
}

function readAt(file: Deno.FsFile, offset: number, length: number): Uint8Array {
  file.seekSync(offset, Deno.SeekMode.Start);
  const buffer = new Uint8Array(length);
  return buffer.subarray(0, file.readSync(buffer) ?? 0);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function aligned(length: number): number {
  return Math.ceil(length / 4) * 4;
}
