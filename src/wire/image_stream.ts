/**
 * Image files over an images stream, each followed by its SHA-256.
 *
 * @module
 */

import type { ByteStream } from "./stream.ts";

/** A file to send: exactly `size` bytes must come out of `content`. */
export interface OutgoingImage {
  readonly name: string;
  readonly size: number;
  readonly content: AsyncIterable<Uint8Array>;
}

/** Where a received file goes. */
export interface ImageSink {
  /** Takes all of `chunk`, whose buffer is reused afterwards. */
  write(chunk: Uint8Array): Promise<void>;
  /** The file is complete and its digest was right. */
  close(): Promise<void>;
  /** The file is not complete: drop it. Must not throw. */
  abort(): Promise<void>;
}

/** What a peer may send at most. */
export interface ImageLimits {
  readonly maxImages: number;
  readonly maxTotalBytes: number;
}

/** How much went through. */
export interface ImageTotals {
  readonly imageCount: number;
  readonly imageBytes: number;
}

/**
 * Sends `images` one after the other and the end frame; the stream stays open and the caller's.
 *
 * @throws PhaulError `protocol` for a bad name, `internal` when a content is not as long as its size
 */
export function sendImages(
  _stream: ByteStream,
  _images: AsyncIterable<OutgoingImage>,
): Promise<ImageTotals> {
  return Promise.reject(new Error("under construction"));
}

/**
 * Receives images up to the end frame; the stream stays open and the caller's. A name comes once.
 *
 * @throws PhaulError `protocol` for anything malformed, above the limits or with a wrong digest
 */
export function receiveImages(
  _stream: ByteStream,
  _options: {
    readonly openFile: (name: string, size: number) => Promise<ImageSink> | ImageSink;
    readonly limits: ImageLimits;
  },
): Promise<ImageTotals> {
  return Promise.reject(new Error("under construction"));
}
