/**
 * The destination's identity: a certificate, its key and the join token that pins it.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { PhaulError } from "../errors.ts";
import { certificatePem, makeCertificate } from "./certificate.ts";
import { formatToken, type JoinToken, makeToken, parseToken, secretBytes } from "./token.ts";

/** What `phaul serve` proves itself with; stays in its state directory. */
export interface Identity {
  readonly certPem: string;
  readonly keyPem: string;
  readonly token: JoinToken;
}

/** The file below the state directory that the operator copies to the source. */
export const tokenFileName = "join-token";

/** The one file that holds all of an identity, so that no crash can leave half of one. */
const identityFileName = "identity.json";

/**
 * Reads the identity below `stateDir`, or makes it at the first start, together with the join token
 * file. Two first starts at once agree on one identity.
 *
 * @throws PhaulError `directory-unusable`
 */
export async function loadIdentity(stateDir: string): Promise<Identity> {
  try {
    await prepareDirectory(stateDir);
    const path = `${stateDir}/${identityFileName}`;
    const identity = await readIdentity(path) ?? await makeIdentity(path);
    await publishToken(`${stateDir}/${tokenFileName}`, identity.token);
    return identity;
  } catch (cause) {
    if (cause instanceof PhaulError) throw cause;
    const text = cause instanceof Error ? cause.message : String(cause);
    throw unusable(stateDir, text, cause);
  }
}

/** A directory that others may write to could be given another identity behind our back. */
async function prepareDirectory(stateDir: string): Promise<void> {
  await Deno.mkdir(stateDir, { recursive: true, mode: 0o700 });
  const { mode } = await Deno.stat(stateDir);
  if (mode !== null && (mode & 0o022) !== 0) throw unusable(stateDir, "others may write to it");
}

async function readIdentity(path: string): Promise<Identity | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const { mode } = await Deno.stat(path);
  if (mode !== null && (mode & 0o077) !== 0) {
    throw new PhaulError(
      "directory-unusable",
      `Cannot use the identity ${JSON.stringify(path)}: other users may read or change it`,
      { remedy: "Remove it and copy the new join token to the sources: its key may be known" },
    );
  }
  return parseIdentity(path, text);
}

function parseIdentity(path: string, text: string): Identity {
  try {
    const content: unknown = JSON.parse(text);
    if (isStored(content)) return identityOf(parseToken(content.token), content.key);
  } catch {
    // Told below; the parser's words could quote the key.
  }
  throw new PhaulError(
    "directory-unusable",
    `Cannot use the identity ${JSON.stringify(path)}: it is damaged`,
    { remedy: "Remove it; then copy the new join token to the sources" },
  );
}

interface StoredIdentity {
  /** PKCS #8, PEM. */
  readonly key: string;
  /** The join token's text; it holds the certificate. */
  readonly token: string;
}

function isStored(value: unknown): value is StoredIdentity {
  if (typeof value !== "object" || value === null) return false;
  if (!("key" in value) || !("token" in value)) return false;
  return typeof value.key === "string" && typeof value.token === "string";
}

async function makeIdentity(path: string): Promise<Identity> {
  const { certificate, keyPem } = await makeCertificate();
  const secret = crypto.getRandomValues(new Uint8Array(secretBytes));
  const token = makeToken(certificate, secret);
  const stored: StoredIdentity = { key: keyPem, token: formatToken(token) };
  const written = await temporaryFile(path, JSON.stringify(stored) + "\n");
  try {
    // A link fails where a rename would replace: of two first starts, both take the first one's.
    await Deno.link(written, path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    const theirs = await readIdentity(path);
    if (theirs) return theirs;
    throw error;
  } finally {
    await Deno.remove(written);
  }
  return identityOf(token, keyPem);
}

function identityOf(token: JoinToken, keyPem: string): Identity {
  return { certPem: certificatePem(token.certificate), keyPem, token };
}

/** Writes the token file unless it holds this very token. */
async function publishToken(path: string, token: JoinToken): Promise<void> {
  const line = formatToken(token) + "\n";
  const there = await Deno.readTextFile(path).catch(() => undefined);
  const mode = await Deno.stat(path).then((info) => info.mode, () => null);
  if (there === line && mode !== null && (mode & 0o077) === 0) return;
  await Deno.rename(await temporaryFile(path, line), path);
}

/** A new file beside `path`, mode 0600, its content on the disk. */
async function temporaryFile(path: string, content: string): Promise<string> {
  const suffix = Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString("hex");
  const temporary = `${path}.${suffix}`;
  using file = await Deno.open(temporary, { write: true, createNew: true, mode: 0o600 });
  const bytes = new TextEncoder().encode(content);
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
  await file.sync();
  return temporary;
}

function unusable(stateDir: string, why: string, cause?: unknown): PhaulError {
  return new PhaulError(
    "directory-unusable",
    `Cannot use the state directory ${JSON.stringify(stateDir)}: ${why}`,
    { cause, remedy: "Name a directory that only this user may write to, with --state-dir" },
  );
}
