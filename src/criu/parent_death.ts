/**
 * Tasks that asked to be killed when their parent ends (PR_SET_PDEATHSIG), in images.
 *
 * The parent of a restored tree is the criu that restored it, so its root would be killed when that
 * ends: a moment after the restore. CRIU restores the wish all the same, and warns in its log.
 *
 * Formats (images/pstree.proto, images/core.proto): u32le 0x54564319, u32le of the kind, then u32le
 * length and a protobuf message: one pstree_entry {1 pid, 5 threads} for each process, the root's first;
 * or one core_entry, whose field 5, thread_core, has the signal in its field 8.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { IMAGE_HEADER_BYTES, imageMessage } from "./image_message.ts";
import { codec } from "./protobuf.ts";

const PSTREE = 0x50273030;
const CORE = 0x55053847;

const THREAD_CORE = 5;
const PDEATH_SIG = 8;

/** Wire types of protobuf. */
const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

const ENTRY = codec<{ readonly pid?: number; readonly threads?: readonly number[] }>(
  "criu_images.proto",
  "criu.PstreeEntry",
);

/** Far more than a task of any architecture has, and than any tree. */
const MAX_CORE_BYTES = 4 * 2 ** 20;
const MAX_PSTREE_BYTES = 64 * 2 ** 20;

/**
 * Makes the images forget that the root of their tree, or a thread of it, wished to die with its parent.
 * At once: the tree stands still, and to wait for each file takes longer than to read it.
 *
 * @returns the root's pid, when it had
 * @throws PhaulError `protocol` when an image is malformed, too large or missing
 */
export function forgetParentDeath(imagesDir: string): number | undefined {
  const { pid = 0, threads = [] } = rootIn(read(`${imagesDir}/pstree.img`, MAX_PSTREE_BYTES));
  let found: number | undefined;
  for (const tid of new Set([pid, ...threads])) {
    if (forgetIn(`${imagesDir}/core-${tid}.img`)) found = pid;
  }
  return found;
}

function rootIn(
  bytes: Uint8Array,
): { readonly pid?: number; readonly threads?: readonly number[] } {
  const message = messageIn(bytes, PSTREE);
  try {
    return ENTRY.decode(message);
  } catch {
    throw malformed();
  }
}

function forgetIn(path: string): boolean {
  const bytes = read(path, MAX_CORE_BYTES);
  const at = signalAt(messageIn(bytes, CORE));
  if (at === undefined || bytes[IMAGE_HEADER_BYTES + at] === 0) return false;
  using file = Deno.openSync(path, { write: true });
  file.seekSync(IMAGE_HEADER_BYTES + at, Deno.SeekMode.Start);
  file.writeSync(Uint8Array.of(0));
  return true;
}

/** The peer chose how large it is. */
function read(path: string, maxBytes: number): Uint8Array {
  try {
    if (Deno.statSync(path).size > maxBytes) throw malformed();
    return Deno.readFileSync(path);
  } catch (cause) {
    throw cause instanceof Deno.errors.NotFound ? malformed(cause) : cause;
  }
}

/** Where the byte of the signal is in a core_entry; signals need no second one. */
function signalAt(core: Uint8Array): number | undefined {
  for (const thread of fieldsOf(core, 0, core.length)) {
    if (thread.number !== THREAD_CORE || thread.type !== DELIMITED) continue;
    for (const field of fieldsOf(core, thread.from, thread.to)) {
      if (field.number === PDEATH_SIG && field.to - field.from === 1) return field.from;
    }
  }
  return undefined;
}

/** One field of a message: where its value lies. */
interface Field {
  readonly number: number;
  readonly type: number;
  readonly from: number;
  readonly to: number;
}

function* fieldsOf(bytes: Uint8Array, begin: number, end: number): Generator<Field> {
  for (let at = begin; at < end;) {
    const key = varintAt(bytes, at, end);
    const [number, type] = [key.value >>> 3, key.value & 7];
    const field = { number, type, ...valueAt(bytes, key.to, end, type) };
    yield field;
    at = field.to;
  }
}

function valueAt(
  bytes: Uint8Array,
  at: number,
  end: number,
  type: number,
): { readonly from: number; readonly to: number } {
  switch (type) {
    case VARINT:
      return { from: at, to: varintAt(bytes, at, end).to };
    case FIXED64:
      return within(at, at + 8, end);
    case FIXED32:
      return within(at, at + 4, end);
    case DELIMITED: {
      const length = varintAt(bytes, at, end);
      return within(length.to, length.to + length.value, end);
    }
    default:
      throw malformed();
  }
}

function within(
  from: number,
  to: number,
  end: number,
): { readonly from: number; readonly to: number } {
  if (to > end) throw malformed();
  return { from, to };
}

/** Its value is right up to 32 bits, which lengths and keys have. */
function varintAt(
  bytes: Uint8Array,
  begin: number,
  end: number,
): { readonly value: number; readonly to: number } {
  let value = 0;
  for (let at = begin; at < end && at - begin < 10; at++) {
    const byte = bytes[at] ?? 0;
    if (at - begin < 5) value += (byte & 0x7f) * 2 ** (7 * (at - begin));
    if (byte < 0x80) return { value, to: at + 1 };
  }
  throw malformed();
}

function messageIn(bytes: Uint8Array, kind: number): Uint8Array {
  const message = imageMessage(bytes, kind);
  if (!message) throw malformed();
  return message;
}

function malformed(cause?: unknown): PhaulError {
  return new PhaulError(
    "protocol",
    "Cannot restore: the images of the tree are malformed, or not all there",
    { cause },
  );
}
