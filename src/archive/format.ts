/**
 * What is in an archive; docs/archive.md has it in words.
 *
 * @module
 */

import { createHash } from "node:crypto";
import {
  type BeginRequest,
  type CheckRequest,
  decodeEnvelope,
  encodeEnvelope,
  type PrepareRequest,
  type Request,
  validateImageName,
} from "../wire/mod.ts";
import { damaged, tooNew } from "./damage.ts";

/** The version of the format that this phaul writes, and the only one that it reads. */
export const ARCHIVE_VERSION = 1;
const FORMAT = "phaul-archive";

/** The first entry: what it is, and for people what is in it. */
export interface Manifest {
  readonly format: typeof FORMAT;
  readonly version: number;
  /** 32 lower-case hex digits: the id of the migration that made it. */
  readonly id: string;
  /** ISO 8601. */
  readonly begunAt: string;
  /** The root's command name. */
  readonly comm: string;
  /** The root's pid in its innermost namespace. */
  readonly pid: number;
  readonly processes: number;
  readonly memoryBytes: number;
  readonly criuVersion: string;
  readonly kernel: string;
  readonly arch: string;
  /** In bytes. */
  readonly pageSize: number;
}

/** A run of pages: number of the first, count, number of the pages entry, place in it in pages. */
export type IndexRow = readonly [page: number, count: number, file: number, at: number];

/** Names of entries. */
export const Entry = {
  manifest: "manifest.json",
  begin: "begin.pb",
  check: "check.pb",
  prepare: "prepare.pb",
  sums: "SHA256SUMS",
  end: "END",
  pages: (id: number) => `pages/${id}`,
  image: (name: string) => `images/${name}`,
  index: (name: string) => `index/${name}.json`,
} as const;

/** An entry by its name. */
export type EntryKind =
  | { readonly kind: "manifest" | "begin" | "check" | "prepare" | "sums" | "end" }
  | { readonly kind: "pages"; readonly id: number }
  | { readonly kind: "image" | "index"; readonly name: string };

const PLAIN = ["manifest", "begin", "check", "prepare", "sums", "end"] as const;
const PAGEMAP = /^pagemap-(?:shmem-)?\d{1,16}\.img$/;
const OF_PAGES = /^(?:pages|pagemap)-/;

/**
 * What an entry of that name is.
 *
 * @throws PhaulError `archive-damaged` for a name that no entry has
 */
export function kindOf(name: string): EntryKind {
  const plain = PLAIN.find((kind) => Entry[kind] === name);
  if (plain !== undefined) return { kind: plain };
  const [, folder, rest = ""] = /^(pages|images|index)\/(.+)$/.exec(name) ?? [];
  if (folder === "pages" && /^[1-9]\d{0,8}$/.test(rest)) return { kind: "pages", id: Number(rest) };
  if (folder === "images" && !OF_PAGES.test(rest) && isImageName(rest)) {
    return { kind: "image", name: rest };
  }
  const index = folder === "index" ? rest.replace(/\.json$/, "") : "";
  if (PAGEMAP.test(index) && `${index}.json` === rest) return { kind: "index", name: index };
  throw damaged(`it has an entry ${JSON.stringify(name)}, which no archive has`);
}

function isImageName(name: string): boolean {
  try {
    return validateImageName(name) === name;
  } catch {
    return false;
  }
}

/** The manifest of the tree that `begin` and `check` announce. */
export function manifestOf(begin: BeginRequest, check: CheckRequest): Manifest {
  const { migrationId: id, comm, rootPid: pid, processes, memoryBytes, pageSize } = begin;
  const { criuVersion, kernel, arch } = check.host;
  return {
    format: FORMAT,
    version: ARCHIVE_VERSION,
    id,
    begunAt: new Date().toISOString(),
    ...{ comm, pid, processes: processes.length, memoryBytes },
    ...{ criuVersion, kernel, arch, pageSize },
  };
}

/**
 * Reads a manifest: what decides is checked, what people read is as it stands.
 *
 * @throws PhaulError `archive-damaged`; `version-mismatch` for a newer one
 */
export function readManifest(bytes: Uint8Array): Manifest {
  const value = json(bytes);
  const manifest: Partial<Manifest> = typeof value === "object" && value !== null ? value : {};
  const { format, version, id } = manifest;
  if (format !== FORMAT || !Number.isSafeInteger(version) || version === undefined) {
    throw damaged("it is none of phaul's");
  }
  if (version > ARCHIVE_VERSION) throw tooNew(version, ARCHIVE_VERSION);
  const known = version === ARCHIVE_VERSION && typeof id === "string" && /^[0-9a-f]{32}$/.test(id);
  if (!known) throw damaged("its manifest is none that phaul writes");
  return manifest as Manifest;
}

/** The rows of an index, checked one by one. */
export function readIndex(bytes: Uint8Array): IndexRow[] {
  const rows = json(bytes);
  if (!Array.isArray(rows)) throw damaged("an index in it is none");
  const isRow = (row: unknown) =>
    Array.isArray(row) && row.length === 4 &&
    row.every((number) => Number.isSafeInteger(number) && number >= 0);
  if (!rows.every(isRow)) throw damaged("an index in it has what is no row");
  return rows;
}

function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw damaged("what should be JSON in it is none", cause);
  }
}

/** A message of proto/phaul.proto, as a migration would send it. */
export function encodeRequest(request: Request): Uint8Array {
  return encodeEnvelope({ type: "request", seq: 1, request });
}

/** The messages that an archive holds. */
interface Kept {
  readonly begin: BeginRequest;
  readonly check: CheckRequest;
  readonly prepare: PrepareRequest;
}

/**
 * Reads such a message.
 *
 * @throws PhaulError `archive-damaged`
 */
export function decodeRequest<T extends keyof Kept>(type: T, bytes: Uint8Array): Kept[T] {
  let request: Request | undefined;
  try {
    const envelope = decodeEnvelope(bytes);
    if (envelope.type === "request") request = envelope.request;
  } catch (cause) {
    throw damaged(`its ${type} message cannot be read`, cause);
  }
  if (request?.type !== type) throw damaged(`its ${type} message is another one`);
  return request as Kept[T];
}

/** A SHA-256 and the name that it belongs to, as sha256sum writes them. */
export function sumLine(digest: string, name: string): string {
  return `${digest}  ${name}\n`;
}

/** The last entry: by it an archive is whole. */
export function sealOf(id: string, sums: string): string {
  return `${id} ${createHash("sha256").update(sums).digest("hex")}\n`;
}
