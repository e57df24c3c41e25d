/**
 * A control connection after its opening: requests and replies both ways, and a heartbeat.
 *
 * @module
 */

import type { PhaulError } from "../errors.ts";
import type { Reply, ReplyTo, Request } from "./messages.ts";
import type { ByteStream } from "./stream.ts";

/** How a link watches its peer. */
export interface LinkOptions {
  /** A peer from which nothing at all came for this long is given up; pings go out at a quarter of it. */
  readonly peerTimeoutMs: number;
}

/** Bounds of one request. */
export interface RequestOptions {
  /** Rejects with `peer-silent` when no reply came by then; without it only the link's end does. */
  readonly timeoutMs?: number;
  /** Rejects with `cancelled` (or the signal's reason when that is a PhaulError). */
  readonly signal?: AbortSignal;
}

/** Answers a request; what it throws goes back as an error reply. */
export type RequestHandler = (request: Request) => Promise<Reply>;

/** A control connection. It owns its stream and closes it when it ends. */
export class ControlLink implements Disposable {
  /** The other end as `host:port`. */
  readonly peer: string;
  /** Resolves once, when the link ended for whatever reason, with that reason. */
  readonly lost: Promise<PhaulError>;

  /** Takes over `stream`, whose opening is done. */
  constructor(stream: ByteStream, _options: LinkOptions) {
    this.peer = stream.peer;
    this.lost = new Promise(() => {});
  }

  /**
   * Sends `message` and waits for its reply.
   *
   * @throws RemoteError with the peer's code when it answered with an error; PhaulError `peer-lost`,
   * `peer-silent`, `cancelled`, `protocol` otherwise
   */
  request<R extends Request>(_message: R, _options?: RequestOptions): Promise<ReplyTo<R>> {
    return Promise.reject(new Error("under construction"));
  }

  /** Answers the peer's requests with `handler` from now on; they run concurrently. Call it once. */
  serve(_handler: RequestHandler): void {
  }

  /** Ends the link; pending requests reject with `peer-lost`. Closing twice is harmless. */
  close(): void {
  }

  /** The same as close. */
  [Symbol.dispose](): void {
    this.close();
  }
}
