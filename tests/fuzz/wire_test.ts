import { assert, assertEquals } from "@std/assert";
import { ChunkedStream, maxChunkBytes } from "../../src/wire/chunks.ts";
import { ControlLink } from "../../src/wire/control_link.ts";
import { decodeEnvelope, encodeEnvelope } from "../../src/wire/envelope.ts";
import { maxBlockBytes } from "../../src/wire/packed_block.ts";
import { PackedStream } from "../../src/wire/packed_stream.ts";
import { loadZstd } from "../../src/wire/zstd.ts";
import { maxControlFrameBytes, readFrame } from "../../src/wire/frames.ts";
import {
  acceptConnection,
  formatToken,
  type ImageSink,
  parseToken,
  receiveImages,
  validateImageName,
} from "../../src/wire/mod.ts";
import { decodeOpening, encodeOpening } from "../../src/wire/opening_messages.ts";
import { remoteError } from "../../src/wire/peer_error.ts";
import { memoryPair, type MemoryStream, playback } from "../unit/wire/memory_stream.ts";
import { testTargets } from "./fuzz.ts";

const LIMITS = { maxImages: 20, maxTotalBytes: 1_000_000 };
const ACCEPT = {
  deadlineMs: 60_000,
  peerTimeoutMs: 60_000,
  redeemTicket: () => true,
};

/** Checks as it goes that each file is given a good name and ends exactly once. */
function watchedFiles() {
  let open = 0;
  const openFile = (name: string): ImageSink => {
    validateImageName(name);
    open++;
    const end = () => Promise.resolve(void open--);
    return { write: () => Promise.resolve(), close: end, abort: end };
  };
  return { openFile, count: () => open };
}

async function readFrames(input: Uint8Array): Promise<Uint8Array[]> {
  const stream = playback(input, 7);
  const frames: Uint8Array[] = [];
  for (let frame; (frame = await readFrame(stream, maxControlFrameBytes)) !== null;) {
    frames.push(frame);
  }
  return frames;
}

function checkEnvelope(input: Uint8Array): void {
  const envelope = decodeEnvelope(input);
  assertEquals(decodeEnvelope(encodeEnvelope(envelope)), envelope);
  if (envelope.type !== "error") return;
  const { message, remedy = "" } = remoteError(envelope.texts);
  assert(!/[\p{Cc}\p{Zl}\p{Zp}]/u.test(message + remedy));
  assert(message.length + remedy.length < 2100);
}

function checkOpening(input: Uint8Array): void {
  const message = decodeOpening(input);
  assertEquals(decodeOpening(encodeOpening(message)), message);
}

function checkToken(input: Uint8Array): void {
  const text = new TextDecoder().decode(input);
  assertEquals(formatToken(parseToken(text)), text.trim());
}

async function checkChunks(input: Uint8Array): Promise<void> {
  const stream = new ChunkedStream(playback(input, 5));
  const buffer = new Uint8Array(64);
  let total = 0;
  for (let count; (count = await stream.read(buffer)) !== null;) total += count;
  assert(total <= input.length && total <= maxChunkBytes * 8);
}

/** What it unpacks to, packed again, is the same. */
async function checkPacked(input: Uint8Array): Promise<void> {
  const codec = await loadZstd();
  const unpacked = await unpackAll(new PackedStream(playback(input, 1000), { codec }));
  const [near, far] = memoryPair();
  const again = new PackedStream(near, { codec, compress: "always" });
  await again.write(unpacked);
  await again.closeWrite();
  assertEquals(await unpackAll(new PackedStream(far, { codec })), unpacked);
}

async function unpackAll(stream: PackedStream): Promise<Uint8Array> {
  const buffer = new Uint8Array(maxBlockBytes);
  const parts: Uint8Array[] = [];
  for (let count; (count = await stream.read(buffer)) !== null;) parts.push(buffer.slice(0, count));
  return await new Response(new Blob(parts.map((part) => part.slice()))).bytes();
}

async function checkImages(input: Uint8Array): Promise<void> {
  const { openFile, count } = watchedFiles();
  try {
    const totals = await receiveImages(playback(input, 11), { openFile, limits: LIMITS });
    assert(totals.imageBytes <= LIMITS.maxTotalBytes && totals.imageCount <= LIMITS.maxImages);
  } finally {
    assertEquals(count(), 0);
  }
}

/** A whole connection: what it sent, and then it hangs up. */
async function connection(input: Uint8Array): Promise<MemoryStream> {
  const [near, far] = memoryPair();
  await far.write(input);
  await far.closeWrite();
  return near;
}

async function checkConnection(input: Uint8Array): Promise<void> {
  const stream = await connection(input);
  const accepted = await acceptConnection(stream, { kind: "insecure" }, ACCEPT);
  if (accepted.kind === "control") accepted.link.close();
  else accepted.stream.close();
}

async function checkLink(input: Uint8Array): Promise<void> {
  const link = new ControlLink(await connection(input), ACCEPT);
  link.serve(({ type }) => Promise.reject(new Error(type)));
  const end = await link.lost;
  // Frames to the last byte end in the peer's hanging up, all others in an error of the protocol.
  if (end.code !== "peer-lost") throw end;
}

testTargets([
  { name: "frames", allowed: ["protocol"], check: readFrames },
  { name: "envelope", allowed: ["protocol"], check: checkEnvelope },
  { name: "opening", allowed: ["protocol"], check: checkOpening },
  { name: "token", allowed: ["wrong-token"], check: checkToken },
  { name: "chunks", allowed: ["protocol", "peer-lost"], check: checkChunks },
  { name: "packed", allowed: ["protocol"], check: checkPacked, rounds: 1000 },
  { name: "images", allowed: ["protocol"], check: checkImages },
  {
    name: "connection",
    allowed: ["protocol", "peer-lost", "version-mismatch", "peer-failed"],
    check: checkConnection,
  },
  { name: "link", allowed: ["protocol"], check: checkLink },
]);
