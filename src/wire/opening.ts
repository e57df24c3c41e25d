/**
 * The first bytes of each connection: versions, what it is for, and the proofs of both sides.
 *
 * @module
 */

import type { ControlLink, LinkOptions } from "./control_link.ts";
import type { Security } from "./dial.ts";
import type { ServerSecurity } from "./listen.ts";
import type { ByteStream } from "./stream.ts";

/** A connection that carries raw bytes for one iteration. */
export type DataKind = "pages" | "images";

/** The protocol versions a side speaks, both ends included. */
export interface VersionRange {
  readonly lowest: number;
  readonly highest: number;
}

/** Bounds of an opening. */
export interface OpenOptions {
  /** For the whole opening; `peer-silent` after it. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  /** Other than this build's own; for tests. */
  readonly versions?: VersionRange;
}

/** Bounds of an accepted opening, and who redeems tickets. */
export interface AcceptOptions extends OpenOptions, LinkOptions {
  /** True exactly once for each ticket handed out for this kind. */
  readonly redeemTicket: (ticket: Uint8Array, kind: DataKind) => boolean;
}

/** What an accepted connection turned out to be. The caller owns the link or stream. */
export type Accepted =
  | { readonly kind: "control"; readonly link: ControlLink }
  | { readonly kind: DataKind; readonly ticket: Uint8Array; readonly stream: ByteStream };

/**
 * Opens a control connection over `stream`, which it takes over (closed when this throws).
 *
 * @throws PhaulError `wrong-token`, `version-mismatch`, `protocol`, `peer-silent`, `peer-lost`
 */
export function openControl(
  _stream: ByteStream,
  _security: Security,
  _options: OpenOptions & LinkOptions,
): Promise<ControlLink> {
  return Promise.reject(new Error("under construction"));
}

/**
 * Opens a data connection over `stream`, which it takes over (closed when this throws).
 *
 * @returns the same stream, at the first byte of the data
 * @throws as openControl; `protocol` when the ticket was refused
 */
export function openData(
  _stream: ByteStream,
  _kind: DataKind,
  _ticket: Uint8Array,
  _options: OpenOptions,
): Promise<ByteStream> {
  return Promise.reject(new Error("under construction"));
}

/**
 * Answers the opening of a connection that a listener accepted; takes `stream` over (closed when
 * this throws). Requests wait until the link's `serve` is called.
 *
 * @throws PhaulError as openControl
 */
export function acceptConnection(
  _stream: ByteStream,
  _security: ServerSecurity,
  _options: AcceptOptions,
): Promise<Accepted> {
  return Promise.reject(new Error("under construction"));
}
