/**
 * Frames: a length as u32 big-endian, then that many bytes.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { type ByteSource, type ByteStream, readExactly } from "./stream.ts";

/** The cap of a control frame's payload. */
export const maxControlFrameBytes = 1024 * 1024;

const headerBytes = 4;

/**
 * The next frame's payload, in a buffer of its own; the cap is checked before allocating.
 *
 * @returns null when the stream ended between frames
 * @throws PhaulError `protocol` for a longer or truncated frame, and what the stream's read throws
 */
export async function readFrame(stream: ByteSource, maxBytes: number): Promise<Uint8Array | null> {
  const header = new Uint8Array(headerBytes);
  if (!await readExactly(stream, header)) return null;
  const length = new DataView(header.buffer).getUint32(0);
  if (length > maxBytes) {
    throw new PhaulError(
      "protocol",
      `Cannot read from ${stream.peer}: a frame of ${length} bytes, where ${maxBytes} is the limit`,
    );
  }
  const payload = new Uint8Array(length);
  if (length > 0 && !await readExactly(stream, payload)) {
    throw new PhaulError(
      "protocol",
      `Cannot read from ${stream.peer}: a frame without its content`,
    );
  }
  return payload;
}

/**
 * `payload` with its header, to be written at once: two small writes would wait for each other.
 *
 * @throws PhaulError `internal` above the cap
 */
export function frame(payload: Uint8Array, maxBytes: number): Uint8Array {
  if (payload.length > maxBytes) {
    throw new PhaulError(
      "internal",
      `Cannot send a message of ${payload.length} bytes: ${maxBytes} is the limit`,
    );
  }
  const framed = new Uint8Array(headerBytes + payload.length);
  new DataView(framed.buffer).setUint32(0, payload.length);
  framed.set(payload, headerBytes);
  return framed;
}

/**
 * Writes `payload` as one frame.
 *
 * @throws PhaulError `internal` above the cap, and what the stream's write throws
 */
export async function writeFrame(
  stream: ByteStream,
  payload: Uint8Array,
  maxBytes: number,
): Promise<void> {
  await stream.write(frame(payload, maxBytes));
}
