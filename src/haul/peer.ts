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

/** The connections of a source to its destination. Owns the control link. */
export class Peer implements Disposable {
  readonly #options: PeerOptions;
  readonly #security: Security;
  #link: ControlLink | undefined;

  private constructor(options: PeerOptions, security: Security) {
    this.#options = options;
    this.#security = security;
  }

  /**
   * Reads the token; no connection is made yet.
   *
   * @throws PhaulError `wrong-token`
   */
  static async open(options: PeerOptions): Promise<Peer> {
    const security: Security = options.insecure
      ? { kind: "insecure" }
      : { kind: "tls", token: await readToken(options.tokenFile) };
    return new Peer(options, security);
  }

  /**
   * Reads the token and connects.
   *
   * @throws PhaulError `peer-unreachable`, `impostor`, `wrong-token`, `version-mismatch`
   */
  static async connect(options: PeerOptions, signal?: AbortSignal): Promise<Peer> {
    const peer = await Peer.open(options);
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

  /** Resolves when the current control link ends. */
  get lost(): Promise<PhaulError> {
    return this.#current.lost;
  }

  /** Replaces the control link. */
  async reconnect(signal?: AbortSignal): Promise<void> {
    this.#link?.close();
    const { connectMs, peerSilentMs } = this.#options.timeouts;
    this.#link = await openControl(await this.#dial(signal), this.#security, {
      deadlineMs: connectMs,
      peerTimeoutMs: peerSilentMs,
      signal,
    });
  }

  /** Asks the destination; see ControlLink.request. */
  request<R extends Request>(request: R, signal?: AbortSignal): Promise<ReplyTo<R>> {
    return this.#current.request(request, { timeoutMs: this.#options.timeouts.stepMs, signal });
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

  #dial(signal?: AbortSignal): Promise<ByteStream> {
    const { connectMs, peerSilentMs } = this.#options.timeouts;
    return dial(this.#options.address, this.#security, {
      timeoutMs: connectMs,
      keepaliveMs: peerSilentMs,
      signal,
    });
  }
}
