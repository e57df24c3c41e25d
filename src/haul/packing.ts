/**
 * How the two sides agree on packing pages for their way: zero pages left out, the rest compressed.
 *
 * The source offers with each iteration, the destination says what it takes. A side that knows nothing
 * of it says nothing, and pages travel as they are.
 *
 * @module
 */

import {
  type ByteStream,
  loadZstd,
  PackedStream,
  type PackingTerms,
  type StartIterationRequest,
} from "../wire/mod.ts";
import type { Compression } from "./options.ts";

/** What a source offers. */
export function offerPacking(compression: Compression): PackingTerms {
  return compression === "off" ? { packed: true } : { packed: true, zstd: true };
}

/** The source's end of a stream, by what was offered and what the destination takes of it. */
export async function packedForPeer(
  stream: ByteStream,
  compression: Compression,
  { packed, zstd }: PackingTerms,
): Promise<ByteStream> {
  if (!packed) return stream;
  // Taken only where it was offered: a destination does not choose for the source.
  if (!zstd || compression === "off") return new PackedStream(stream);
  const compress = compression === "zstd" ? "always" : "auto";
  return new PackedStream(stream, { codec: await loadZstd(), compress });
}

/** What a destination takes, and how it reads a stream of that iteration. */
export interface AcceptedPacking {
  readonly terms: PackingTerms;
  unpacked(stream: ByteStream): ByteStream;
}

/** Takes all that is offered. */
export async function acceptPacking(request: StartIterationRequest): Promise<AcceptedPacking> {
  if (!request.packed) return { terms: {}, unpacked: (stream) => stream };
  if (!request.zstd) {
    return { terms: { packed: true }, unpacked: (stream) => new PackedStream(stream) };
  }
  const codec = await loadZstd();
  return {
    terms: { packed: true, zstd: true },
    unpacked: (stream) => new PackedStream(stream, { codec }),
  };
}
