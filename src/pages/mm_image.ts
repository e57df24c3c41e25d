/**
 * The mappings of a task, as CRIU's mm image tells of them.
 *
 * Format (images/mm.proto, images/vma.proto): u32le 0x54564319, u32le 0x57492820, u32le length, then a
 * protobuf message mm_entry, whose field 14 repeats vma_entry {1 start, 2 end, 6 flags, 7 status}.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { codec, imageMessage } from "../criu/mod.ts";

/** One mapping. */
export interface MemoryArea {
  /** First address. */
  readonly start: number;
  /** First address behind it. */
  readonly end: number;
  /** CRIU registers it with a userfaultfd in a lazy restore. */
  readonly lazy: boolean;
}

interface MmMessage {
  readonly vmas?: readonly {
    readonly start?: number;
    readonly end?: number;
    readonly flags?: number;
    readonly status?: number;
  }[];
}

const MM_KIND = 0x57492820;
/** Pages are a multiple of that everywhere. */
const MIN_PAGE_BYTES = 4096;
const MM = codec<MmMessage>("criu_images.proto", "criu.Mm");

const MAP_PRIVATE = 0x2;
const MAP_ANONYMOUS = 0x20;
const MAP_LOCKED = 0x2000;
const MAP_HUGETLB = 0x40000;
/** VMA_AREA_VSYSCALL, VMA_AREA_VDSO, VMA_AREA_VVAR (criu/include/image.h). */
const VMA_OF_KERNEL = 1 << 2 | 1 << 3 | 1 << 12;

/**
 * Reads `mm-<pid>.img`.
 *
 * @returns its mappings, ascending
 * @throws PhaulError `protocol` when it is malformed
 */
export function parseMmImage(bytes: Uint8Array): MemoryArea[] {
  const areas = (messageIn(bytes).vmas ?? []).map((vma) => {
    const { start = 0, end = 0, flags = 0, status = 0 } = vma;
    return { start, end, lazy: canBeLazy(flags, status) };
  });
  let last = 0;
  for (const { start, end } of areas) {
    // Pages are cut at these: an odd one would make fractions of pages.
    const whole = start % MIN_PAGE_BYTES === 0 && end % MIN_PAGE_BYTES === 0;
    if (start < last || end < start || !whole) throw malformed();
    last = end;
  }
  return areas;
}

/** Gets ready to read such images: the first takes longer than all others. */
export function warmUp(): void {
  MM.decode(MM.encode({ vmas: [{ start: 4096, end: 8192, flags: 0, status: 0 }] }));
}

/** CRIU's vma_entry_can_be_lazy (criu/include/vma.h). */
function canBeLazy(flags: number, status: number): boolean {
  const wanted = MAP_ANONYMOUS | MAP_PRIVATE;
  return (flags & wanted) === wanted && (flags & (MAP_LOCKED | MAP_HUGETLB)) === 0 &&
    (status & VMA_OF_KERNEL) === 0;
}

function messageIn(bytes: Uint8Array): MmMessage {
  const message = imageMessage(bytes, MM_KIND);
  if (!message) throw malformed();
  try {
    return MM.decode(message);
  } catch (cause) {
    throw malformed(cause);
  }
}

function malformed(cause?: unknown): PhaulError {
  return new PhaulError("protocol", "Cannot read the mappings of a task: its mm image is damaged", {
    cause,
  });
}
