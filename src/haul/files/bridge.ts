/**
 * Joins a connection of phaul's to the standard streams of an rsync.
 *
 * @module
 */

import type { ByteStream } from "../../wire/mod.ts";

const BUFFER_BYTES = 256 * 1024;

/** What an rsync reads and writes. */
export interface LocalStreams {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/**
 * Carries bytes both ways until both ends have said their last; closes `remote`.
 *
 * @param onBytes Told of each piece, whichever way it went.
 * @throws PhaulError of the connection; what the local streams throw
 */
export async function bridge(
  remote: ByteStream,
  local: LocalStreams,
  onBytes: (bytes: number) => void,
): Promise<void> {
  try {
    await Promise.all([
      toRemote(local.readable, remote, onBytes),
      toLocal(remote, local.writable, onBytes),
    ]);
  } finally {
    remote.close();
  }
}

async function toRemote(
  readable: ReadableStream<Uint8Array>,
  remote: ByteStream,
  onBytes: (bytes: number) => void,
): Promise<void> {
  for await (const piece of readable) {
    await remote.write(piece);
    onBytes(piece.length);
  }
  await remote.closeWrite();
}

async function toLocal(
  remote: ByteStream,
  writable: WritableStream<Uint8Array>,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const writer = writable.getWriter();
  const buffer = new Uint8Array(BUFFER_BYTES);
  try {
    for (let count = await remote.read(buffer); count !== null; count = await remote.read(buffer)) {
      await writer.write(buffer.subarray(0, count));
      onBytes(count);
    }
  } finally {
    // One that has ended by itself reads nothing any more.
    await writer.close().catch(() => {});
  }
}
