/**
 * Image files over an images stream, each followed by its SHA-256.
 *
 * @module
 */

import { GatheredStream } from "./gathered_stream.ts";
import { createHash, timingSafeEqual } from "node:crypto";
import { PhaulError } from "../errors.ts";
import { decodeImageFrame, encodeImageFrame, maxImageFrameBytes } from "./image_frames.ts";
import { readFrame, writeFrame } from "./frames.ts";
import { validateImageName } from "./names.ts";
import { ReadAhead } from "./read_ahead.ts";
import { type ByteSource, type ByteStream, readExactly } from "./stream.ts";

/** A file to send: exactly `size` bytes must come out of `content`. */
export interface OutgoingImage {
  readonly name: string;
  readonly size: number;
  /** Each chunk is sent before the next one is asked for, so its buffer may be reused. */
  readonly content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** Where a received file goes. */
export interface ImageSink {
  /** Takes all of `chunk`, whose buffer is reused afterwards. */
  write(chunk: Uint8Array): Promise<void>;
  /** The file is complete and its digest was right. */
  close(): Promise<void>;
  /** The file is not complete: drop it. Called instead of close, also after a write that threw. */
  abort(): Promise<void>;
}

/** What a peer may send at most. */
export interface ImageLimits {
  readonly maxImages: number;
  readonly maxTotalBytes: number;
}

/** What to do with received images. */
export interface ReceiveOptions {
  /** Called once for each name; the sink is closed or aborted by the receiver. */
  readonly openFile: (name: string, size: number) => Promise<ImageSink> | ImageSink;
  readonly limits: ImageLimits;
}

/** How much went through. */
export interface ImageTotals {
  readonly imageCount: number;
  readonly imageBytes: number;
}

const digestBytes = 32;
const bufferBytes = 256 * 1024;

/**
 * Sends `images` one after the other and the end frame; the stream stays open and the caller's.
 *
 * @throws PhaulError `protocol` for a bad name, `internal` when a content is not as long as its size;
 * what the stream and the contents throw. The stream is of no use after that.
 */
export async function sendImages(
  stream: ByteStream,
  images: Iterable<OutgoingImage> | AsyncIterable<OutgoingImage>,
): Promise<ImageTotals> {
  let imageCount = 0;
  let imageBytes = 0;
  // Dozens of small files, while the tree is frozen: a write for each of their parts would take longer.
  const gathered = new GatheredStream(stream);
  for await (const image of images) {
    await sendImage(gathered, image);
    imageCount++;
    imageBytes += image.size;
  }
  await writeFrame(gathered, encodeImageFrame({ type: "end", imageCount }), maxImageFrameBytes);
  await gathered.flush();
  return { imageCount, imageBytes };
}

async function sendImage(stream: ByteStream, image: OutgoingImage): Promise<void> {
  const { size, content } = image;
  const name = validateImageName(image.name);
  await writeFrame(stream, encodeImageFrame({ type: "image", name, size }), maxImageFrameBytes);
  const hash = createHash("sha256");
  let sent = 0;
  for await (const chunk of content) {
    sent += chunk.length;
    if (sent > size) break;
    hash.update(chunk);
    await stream.write(chunk);
  }
  if (sent !== size) {
    const more = sent > size ? "more" : "less";
    throw new PhaulError(
      "internal",
      `Cannot send image "${name}": it has ${more} than ${size} bytes`,
    );
  }
  await stream.write(hash.digest());
}

/**
 * Receives images up to the end frame; the stream stays open and the caller's, and has nothing after
 * them. A name comes once.
 *
 * @throws PhaulError `protocol` for anything malformed, above the limits or with a wrong digest;
 * what the stream and the sinks throw. The stream is of no use after that.
 */
export async function receiveImages(
  from: ByteStream,
  { openFile, limits }: ReceiveOptions,
): Promise<ImageTotals> {
  // Dozens of small files once more: each has four parts to be read.
  const stream = new ReadAhead(from);
  const names = new Set<string>();
  const buffer = new Uint8Array(bufferBytes);
  let imageBytes = 0;
  for (;;) {
    const header = await nextFrame(stream);
    if (header.type === "end") {
      if (header.imageCount !== names.size) throw refused(stream, "the count of images is wrong");
      return { imageCount: names.size, imageBytes };
    }
    const { name, size } = header;
    if (names.has(name)) throw refused(stream, `"${name}" came twice`);
    names.add(name);
    imageBytes += size;
    if (names.size > limits.maxImages) throw refused(stream, "there are too many");
    if (imageBytes > limits.maxTotalBytes) throw refused(stream, "they are too large");
    await receiveImage(stream, name, size, await openFile(name, size), buffer);
  }
}

async function nextFrame(stream: ByteSource) {
  const bytes = await readFrame(stream, maxImageFrameBytes);
  if (bytes === null) throw refused(stream, "the stream ended before its end was said");
  return decodeImageFrame(bytes);
}

async function receiveImage(
  stream: ByteSource,
  name: string,
  size: number,
  sink: ImageSink,
  buffer: Uint8Array,
): Promise<void> {
  try {
    const digest = await copyContent(stream, size, sink, buffer);
    const expected = new Uint8Array(digestBytes);
    if (!await readExactly(stream, expected) || !timingSafeEqual(expected, digest)) {
      throw refused(stream, `"${name}" was damaged on its way`);
    }
  } catch (error) {
    await sink.abort().catch(() => {});
    throw error;
  }
  await sink.close();
}

async function copyContent(
  stream: ByteSource,
  size: number,
  sink: ImageSink,
  buffer: Uint8Array,
): Promise<Uint8Array> {
  const hash = createHash("sha256");
  for (let left = size; left > 0;) {
    const count = await stream.read(buffer.subarray(0, Math.min(left, buffer.length)));
    if (count === null) throw refused(stream, "the stream ended in the middle of one");
    const chunk = buffer.subarray(0, count);
    hash.update(chunk);
    await sink.write(chunk);
    left -= count;
  }
  return hash.digest();
}

function refused(stream: ByteSource, why: string): PhaulError {
  return new PhaulError("protocol", `Cannot take the images of ${stream.peer}: ${why}`);
}
