/**
 * The destination as a source reaches it: one address, one token, as many connections as needed.
 *
 * @module
 */

import type { PhaulError } from "../errors.ts";
import {
  type ByteStream,
  type ControlLink,
  type DataKind,
  dial,
  type DialledStream,
  openControl,
  openData,
  readToken,
  type ReplyTo,
  type Request,
  type Security,
} from "../wire/mod.ts";
import type { HostAddress, Timeouts } from "./options.ts";

/** How the peer is reached. */
export interface PeerOptions {
  readonly address: HostAddress;
  readonly insecure: boolean;
  readonly tokenFile: string;
  readonly timeouts: Timeouts;
}

/** A destination as a source asks it: a host, or a file. */
export type Destination =
  & Pick<Peer, "can" | "connected" | "name" | "lost" | "open" | "reconnect" | "request">
  & Disposable;

/** The connections of a source to its destination. Owns the control link. */
export class Peer implements Disposable {
  readonly #options: PeerOptions;
  #security: Security | undefined;
  #link: ControlLink | undefined;
  #host = "";

  /** Connects to nothing yet, and reads no token before it does. */
  constructor(options: PeerOptions) {
    this.#options = options;
  }

  /**
   * Connects.
   *
   * @throws PhaulError `peer-unreachable`, `impostor`, `wrong-token`, `version-mismatch`
   */
  static async connect(options: PeerOptions, signal?: AbortSignal): Promise<Peer> {
    const peer = new Peer(options);
    await peer.reconnect(signal);
    return peer;
  }

  /** There is a control link; it may have ended since. */
  get connected(): boolean {
    return this.#link !== undefined;
  }

  /** The peer as `host:port`. */
  get name(): string {
    return `${this.#options.address.host}:${this.#options.address.port}`;
  }

  /** The peer's IP address, as the control link has it. */
  get host(): string {
    return this.#host;
  }

  /** Whether the destination can what not every phaul of this version can. */
  can(ability: string): boolean {
    return this.#current.abilities.has(ability);
  }

  /** Resolves when the current control link ends. */
  get lost(): Promise<PhaulError> {
    return this.#current.lost;
  }

  /** Replaces the control link. */
  async reconnect(signal?: AbortSignal): Promise<void> {
    this.#link?.close();
    const { connectMs, peerSilentMs } = this.#options.timeouts;
    const security = await this.#secured();
    const stream = await this.#dial(signal);
    this.#host = stream.remoteHost;
    this.#link = await openControl(stream, security, {
      deadlineMs: connectMs,
      peerTimeoutMs: peerSilentMs,
      signal,
    });
  }

  /**
   * Asks the destination; see ControlLink.request.
   *
   * @param patience `extraMs` is added to what any step may take.
   */
  request<R extends Request>(
    request: R,
    { signal, extraMs = 0 }: { signal?: AbortSignal; extraMs?: number } = {},
  ): Promise<ReplyTo<R>> {
    const timeoutMs = this.#options.timeouts.stepMs + extraMs;
    return this.#current.request(request, { timeoutMs, signal });
  }

  /** Opens a data connection with a ticket; the caller owns it. */
  async open(kind: DataKind, ticket: Uint8Array): Promise<ByteStream> {
    return await openData(await this.#dial(), kind, ticket, {
      deadlineMs: this.#options.timeouts.connectMs,
    });
  }

  /** Ends the control link. */
  close(): void {
    this.#link?.close();
  }

  /** The same as close. */
  [Symbol.dispose](): void {
    this.close();
  }

  get #current(): ControlLink {
    if (!this.#link) throw new TypeError("Peer.reconnect comes first");
    return this.#link;
  }

  async #secured(): Promise<Security> {
    const { insecure, tokenFile } = this.#options;
    return this.#security ??= insecure
      ? { kind: "insecure" }
      : { kind: "tls", token: await readToken(tokenFile) };
  }

  async #dial(signal?: AbortSignal): Promise<DialledStream> {
    const { connectMs, peerSilentMs } = this.#options.timeouts;
    return await dial(this.#options.address, await this.#secured(), {
      timeoutMs: connectMs,
      keepaliveMs: peerSilentMs,
      signal,
    });
  }
}
