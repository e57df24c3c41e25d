/**
 * Frames: a length as u32 big-endian, then that many bytes.
 *
 * @module
 */

import type { ByteStream } from "./stream.ts";

/** The cap of a control frame's payload. */
export const maxControlFrameBytes = 1024 * 1024;

/**
 * The next frame's payload, in a buffer of its own; the cap is checked before allocating.
 *
 * @returns null when the stream ended between frames
 * @throws PhaulError `protocol` for a longer or truncated frame
 */
export function readFrame(_stream: ByteStream, _maxBytes: number): Promise<Uint8Array | null> {
  return Promise.reject(new Error("under construction"));
}

/** Writes `payload` as one frame. */
export function writeFrame(
  _stream: ByteStream,
  _payload: Uint8Array,
  _maxBytes: number,
): Promise<void> {
  return Promise.reject(new Error("under construction"));
}
