/** Messages of userfaultfd(2), written from linux/userfaultfd.h and not from phaul's decoder. */

/** `struct uffd_msg`: the event, and what its argument begins with. */
export interface EventFields {
  readonly event: number;
  /** 64-bit words from byte 8 on. */
  readonly words: readonly number[];
}

/** One message of 32 bytes. */
export function uffdMessage({ event, words }: EventFields): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(32);
  bytes[0] = event;
  words.forEach((word, index) => {
    new DataView(bytes.buffer).setBigUint64(8 + index * 8, BigInt(word), true);
  });
  return bytes;
}
