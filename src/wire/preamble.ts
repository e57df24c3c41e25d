/**
 * The first eight bytes of each direction: that it is phaul, and which protocol versions it speaks.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { type ByteSource, readExactly } from "./stream.ts";

/** The protocol versions a side speaks, both ends included; 1 to 255. */
export interface VersionRange {
  readonly lowest: number;
  readonly highest: number;
}

/** What this build speaks. */
export const ownVersions: VersionRange = { lowest: 1, highest: 1 };

const magic = new TextEncoder().encode("phaul\0");
/** The length in bytes of a preamble. */
export const preambleBytes = magic.length + 2;

// The content types of TLS records, and the major version in their second byte.
const tlsContentTypes: ReadonlySet<number> = new Set([20, 21, 22, 23]);
const tlsMajor = 3;

/** The preamble of a side that speaks `versions`. */
export function makePreamble(versions: VersionRange): Uint8Array {
  return Uint8Array.from([...magic, versions.lowest, versions.highest]);
}

/**
 * Reads the peer's preamble.
 *
 * @throws PhaulError `protocol` when the peer is no phaul, or speaks TLS where this side does not;
 * `peer-lost` when it ended before the first byte
 */
export async function readPreamble(stream: ByteSource): Promise<VersionRange> {
  // The first byte alone decides what may follow: an alert of TLS is shorter than a preamble.
  const bytes = new Uint8Array(preambleBytes);
  if (!await readExactly(stream, bytes.subarray(0, 2))) {
    const message = `Cannot open a connection with ${stream.peer}: it closed it at once`;
    throw new PhaulError("peer-lost", message, { remedy: insecureRemedy });
  }
  const [type = 0, major = 0] = bytes;
  if (tlsContentTypes.has(type) && major === tlsMajor) throw speaksTls(stream.peer);
  if (type !== magic[0] || major !== magic[1]) throw noPhaul(stream.peer);
  await readExactly(stream, bytes.subarray(2));
  return parsePreamble(stream.peer, bytes);
}

function parsePreamble(peer: string, bytes: Uint8Array): VersionRange {
  if (!magic.every((byte, index) => byte === bytes[index])) throw noPhaul(peer);
  const [lowest = 0, highest = 0] = bytes.subarray(magic.length);
  if (lowest < 1 || highest < lowest) throw noPhaul(peer);
  return { lowest, highest };
}

/**
 * The highest version that both sides speak.
 *
 * @throws PhaulError `version-mismatch` with the versions of both
 */
export function agreedVersion(peer: string, own: VersionRange, theirs: VersionRange): number {
  const highest = Math.min(own.highest, theirs.highest);
  if (highest >= Math.max(own.lowest, theirs.lowest)) return highest;
  const older = own.highest < theirs.lowest ? "here" : `on ${peer}`;
  throw new PhaulError(
    "version-mismatch",
    `Cannot talk with ${peer}: it speaks version ${rangeText(theirs)} of phaul's protocol, ` +
      `this side version ${rangeText(own)}`,
    { remedy: `Install the newer phaul ${older} as well` },
  );
}

function rangeText({ lowest, highest }: VersionRange): string {
  return lowest === highest ? `${lowest}` : `${lowest} to ${highest}`;
}

const insecureRemedy = "Give --insecure on both sides or on neither";

function speaksTls(peer: string): PhaulError {
  return new PhaulError(
    "protocol",
    `Cannot open a connection with ${peer}: it speaks TLS, and this side was told --insecure`,
    { remedy: insecureRemedy },
  );
}

function noPhaul(peer: string): PhaulError {
  return new PhaulError("protocol", `Cannot open a connection with ${peer}: it is no phaul`, {
    remedy: "Check the address and the port",
  });
}
