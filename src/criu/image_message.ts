/**
 * The frame of CRIU's images: u32le 0x54564319, u32le of the kind, then u32le length and a protobuf
 * message, once or more (criu/include/magic.h).
 *
 * @module
 */

const COMMON = 0x54564319;

/** Where the first message begins. */
export const IMAGE_HEADER_BYTES = 12;

/** The first message of an image of that kind; undefined when it is none, or is cut short. */
export function imageMessage(bytes: Uint8Array, kind: number): Uint8Array | undefined {
  if (bytes.length < IMAGE_HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== COMMON || view.getUint32(4, true) !== kind) return undefined;
  const end = IMAGE_HEADER_BYTES + view.getUint32(8, true);
  return end > bytes.length ? undefined : bytes.subarray(IMAGE_HEADER_BYTES, end);
}
