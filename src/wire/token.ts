/**
 * The join token: what a source must hold to reach one destination and to be let in.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { PhaulError } from "../errors.ts";
import { certificateSha256 } from "./certificate.ts";

/** A join token. Whoever holds it may migrate processes to its destination. */
export interface JoinToken {
  /** The destination's certificate (DER), the only one that is accepted. */
  readonly certificate: Uint8Array;
  /** SHA-256 of the certificate, 32 bytes. */
  readonly certificateSha256: Uint8Array;
  /** 32 bytes known to both sides, proved by HMAC, never sent. */
  readonly secret: Uint8Array;
}

/** The length in bytes of a token's secret. */
export const secretBytes = 32;

const prefix = "phaul1:";
const minCertificateBytes = 100;
const maxCertificateBytes = 4096;
const maxFileBytes = 16 * 1024;
const digitsOnly = /^[A-Za-z0-9_-]+$/;
// ASN.1 SEQUENCE, as each certificate begins.
const derSequence = 0x30;

const copyAgain = "Copy the file join-token from the destination's state directory again";

/** The token of a destination with this certificate (DER) and secret. */
export function makeToken(certificate: Uint8Array, secret: Uint8Array): JoinToken {
  return { certificate, certificateSha256: certificateSha256(certificate), secret };
}

/** `token` as one line of text without a line feed: `phaul1:` and base64url. */
export function formatToken(token: JoinToken): string {
  const body = Buffer.concat([token.secret, token.certificate]);
  return prefix + body.toString("base64url");
}

/**
 * The token in `text`; white space around it is allowed.
 *
 * @throws PhaulError `wrong-token` when it is malformed; the text itself is never quoted
 */
export function parseToken(text: string): JoinToken {
  const line = text.slice(0, maxFileBytes + 1).trim();
  if (!line.startsWith(prefix)) throw malformed(`it does not begin with "${prefix}"`);
  const digits = line.slice(prefix.length);
  // Before decoding: decoders skip or throw at what they do not know, as they please.
  if (!digitsOnly.test(digits) || digits.length % 4 === 1) throw malformed("it is damaged");
  const body = Buffer.from(digits, "base64url");
  // Only the one canonical spelling is a token.
  if (body.toString("base64url") !== digits) throw malformed("it is damaged");
  const secret = Uint8Array.from(body.subarray(0, secretBytes));
  const certificate = Uint8Array.from(body.subarray(secretBytes));
  if (!looksLikeCertificate(certificate)) throw malformed("it is incomplete or damaged");
  return makeToken(certificate, secret);
}

/**
 * The token in the file `path`.
 *
 * @throws PhaulError `wrong-token` when the file is missing, malformed or open to others
 */
export async function readToken(path: string): Promise<JoinToken> {
  const shown = JSON.stringify(path);
  const file = await opened(path);
  using _file = file;
  const { isFile, mode, size, uid } = await file.stat();
  if (!isFile) throw unusable(path, "it is not a file");
  if (mode !== null && (mode & 0o077) !== 0) {
    throw unusable(path, "other users may read or change it", `Run: chmod 600 ${shown}`);
  }
  if (uid !== null && uid !== 0 && uid !== Deno.uid()) {
    throw unusable(path, "it belongs to another user");
  }
  if (size > maxFileBytes) throw unusable(path, "it is too long");
  const buffer = new Uint8Array(maxFileBytes);
  let filled = 0;
  for (let count; (count = await file.read(buffer.subarray(filled))) !== null;) {
    filled += count;
    if (filled === buffer.length) break;
  }
  return parseToken(new TextDecoder().decode(buffer.subarray(0, filled)));
}

async function opened(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path);
  } catch (cause) {
    const text = cause instanceof Deno.errors.NotFound ? "there is no such file" : String(cause);
    throw new PhaulError(
      "wrong-token",
      `Cannot read the join token ${JSON.stringify(path)}: ${text}`,
      { cause, remedy: "Copy the file join-token from the destination's state directory to it" },
    );
  }
}

/** A whole DER structure and nothing behind it, so that a token cut short is seen here. */
function looksLikeCertificate(der: Uint8Array): boolean {
  if (der.length < minCertificateBytes || der.length > maxCertificateBytes) return false;
  const [tag, form, high = 0, low = 0] = der;
  // Certificates of 256 bytes and more say their length in two octets, shorter ones in one.
  if (tag !== derSequence) return false;
  if (form === 0x82) return (high << 8 | low) + 4 === der.length;
  return form === 0x81 && high + 3 === der.length;
}

function malformed(why: string): PhaulError {
  return new PhaulError("wrong-token", `Cannot use the join token: ${why}`, { remedy: copyAgain });
}

function unusable(path: string, why: string, remedy: string = copyAgain): PhaulError {
  const message = `Cannot use the join token ${JSON.stringify(path)}: ${why}`;
  return new PhaulError("wrong-token", message, { remedy });
}
