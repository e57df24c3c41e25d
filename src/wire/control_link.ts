/**
 * A control connection after its opening: requests and replies both ways, and a heartbeat.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import { abortReason } from "./cancel.ts";
import { decodeEnvelope, encodeEnvelope, type Envelope } from "./envelope.ts";
import { maxControlFrameBytes, readFrame, writeFrame } from "./frames.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Request } from "./messages.ts";
import { type Reply, type ReplyTo, replyTypeOf } from "./replies.ts";
import { errorTexts, remoteError } from "./peer_error.ts";
import { Pace } from "./pace.ts";
import { PendingRequests } from "./pending_requests.ts";
import type { ByteSource, ByteStream } from "./stream.ts";

/** How a link watches its peer. */
export interface LinkOptions {
  /** A peer from which nothing at all came for this long is given up; pings go out at a quarter of it. */
  readonly peerTimeoutMs: number;
  /** What the peer said in its welcome that it can. */
  readonly abilities?: readonly string[];
}

/** Bounds of one request. */
export interface RequestOptions {
  /** Rejects with `peer-silent` when no reply came by then; without it only the link's end does. */
  readonly timeoutMs?: number;
  /** Rejects with `cancelled`, or with the signal's reason when that is a PhaulError. */
  readonly signal?: AbortSignal;
}

/** Answers a request; what it throws goes back as an error reply. */
export type RequestHandler = (request: Request) => Promise<Reply>;

/** How many requests of a peer may be under way; phaul's own source has two at most. */
const maxConcurrentRequests = 16;

/** A message that has begun has to end within so many times the silence that ends a link. */
const silencesInFrame = 4;

/** A control connection. It owns its stream and closes it when it ends. */
export class ControlLink implements Disposable {
  /** The other end as `host:port`. */
  readonly peer: string;
  /** What the peer can, of what not every phaul of this version can. */
  readonly abilities: ReadonlySet<string>;
  /** Resolves once, when the link ended for whatever reason, with that reason. */
  readonly lost: Promise<PhaulError>;

  readonly #stream: ByteStream;
  readonly #heartbeat: Heartbeat;
  readonly #pending = new PendingRequests();
  readonly #handler = Promise.withResolvers<RequestHandler>();
  readonly #ended = Promise.withResolvers<PhaulError>();
  #end: PhaulError | undefined;
  #writing: Promise<void> = Promise.resolve();
  readonly #pace = new Pace();
  readonly #frameMs: number;
  /** Runs from the first byte of a message to its last. */
  #frameTimer: ReturnType<typeof setTimeout> | undefined;
  #pinging = false;
  #lastPeerSeq = 0;
  #answering = 0;

  /** Takes over `stream`, whose opening is done. Requests wait until {@linkcode serve} is called. */
  constructor(stream: ByteStream, options: LinkOptions) {
    this.peer = stream.peer;
    this.abilities = new Set(options.abilities);
    this.#stream = stream;
    this.lost = this.#ended.promise;
    this.#frameMs = options.peerTimeoutMs * silencesInFrame;
    this.#heartbeat = new Heartbeat(options.peerTimeoutMs, {
      ping: () => this.#ping(),
      silent: () => {
        const message =
          `Cannot reach ${this.peer} any more: silent for ${options.peerTimeoutMs} ms`;
        this.#fail(new PhaulError("peer-silent", message));
      },
    });
    void this.#readAll();
  }

  /**
   * Sends `message` and waits for its reply. A request that was given up may have been carried out
   * all the same.
   *
   * @throws RemoteError with the peer's code when it answered with an error; PhaulError `peer-lost`,
   * `peer-silent`, `cancelled`, `protocol` otherwise
   */
  async request<R extends Request>(
    message: R,
    options: RequestOptions = {},
  ): Promise<ReplyTo<R>> {
    const action = `get an answer to "${message.type}" from ${this.peer}`;
    if (this.#end) throw this.#end;
    if (options.signal?.aborted) throw abortReason(options.signal, action);
    const { seq, reply } = this.#pending.add(action, options);
    this.#sendRequest(seq, message).catch((error) => {
      this.#pending.reject(seq, asPhaulError(error));
    });
    const answer = await reply;
    if (isReplyTo(answer, message)) return answer;
    const error = new PhaulError("protocol", `Cannot ${action}: it sent "${answer.type}"`);
    this.#fail(error);
    throw error;
  }

  /** Answers the peer's requests with `handler` from now on; they run concurrently. Call it once. */
  serve(handler: RequestHandler): void {
    this.#handler.resolve(handler);
  }

  /** Ends the link; pending requests reject with `peer-lost`. Closing twice is harmless. */
  close(): void {
    this.#fail(
      new PhaulError("peer-lost", `Cannot reach ${this.peer} any more: closed on this side`),
    );
  }

  /** The same as close. */
  [Symbol.dispose](): void {
    this.close();
  }

  async #readAll(): Promise<void> {
    // Every byte is a sign of life: a long frame over a slow line is no silence.
    const audible: ByteSource = {
      peer: this.peer,
      read: async (into) => {
        const count = await this.#stream.read(into);
        this.#heartbeat.heard();
        // But one that comes a byte at a time would keep the link, and what waits on it, for ever.
        if (!this.#end) this.#frameTimer ??= setTimeout(() => this.#trickled(), this.#frameMs);
        return count;
      },
    };
    try {
      while (!this.#end) {
        await this.#pace.taken();
        const bytes = await readFrame(audible, maxControlFrameBytes);
        clearTimeout(this.#frameTimer);
        this.#frameTimer = undefined;
        if (bytes === null) {
          const message = `Cannot reach ${this.peer} any more: it closed the connection`;
          throw new PhaulError("peer-lost", message);
        }
        await this.#take(decodeEnvelope(bytes));
      }
    } catch (error) {
      this.#fail(asPhaulError(error));
    }
  }

  #trickled(): void {
    const message = `Cannot wait for a message of ${this.peer} any longer: ` +
      `it has not ended within ${this.#frameMs} ms`;
    this.#fail(new PhaulError("peer-silent", message));
  }

  async #take(envelope: Envelope): Promise<void> {
    switch (envelope.type) {
      case "ping":
        // Waited for: a peer that pings without reading must stop itself, not fill our memory.
        return await this.#send({ type: "pong" });
      case "pong":
        return;
      case "reply":
        return this.#pending.resolve(envelope.seq, envelope.reply);
      case "error":
        return this.#pending.reject(envelope.seq, remoteError(envelope.texts));
      case "request":
        return this.#admit(envelope.seq, envelope.request);
      default:
        return envelope satisfies never;
    }
  }

  #admit(seq: number, request: Request): void {
    if (seq <= this.#lastPeerSeq) {
      throw new PhaulError(
        "protocol",
        `Cannot take "${request.type}" from ${this.peer}: number ${seq} came before`,
      );
    }
    if (this.#answering >= maxConcurrentRequests) {
      throw new PhaulError(
        "protocol",
        `Cannot take "${request.type}" from ${this.peer}: ${this.#answering} requests are under way`,
      );
    }
    this.#lastPeerSeq = seq;
    void this.#answer(seq, request);
  }

  async #answer(seq: number, request: Request): Promise<void> {
    this.#answering++;
    try {
      await this.#send(await this.#answerTo(seq, request));
    } catch (error) {
      this.#fail(asPhaulError(error));
    } finally {
      this.#answering--;
    }
  }

  async #answerTo(seq: number, request: Request): Promise<Envelope> {
    try {
      const handler = await this.#handler.promise;
      return { type: "reply", seq, reply: await handler(request) };
    } catch (error) {
      return { type: "error", seq, texts: errorTexts(error) };
    }
  }

  #ping(): void {
    // One at a time: while the peer does not take the first, further ones would only pile up.
    if (this.#pinging) return;
    this.#pinging = true;
    this.#send({ type: "ping" }).then(
      () => this.#pinging = false,
      (error) => this.#fail(asPhaulError(error)),
    );
  }

  /** Checks as the peer will: a defect of this side must not cost the link. */
  async #sendRequest(seq: number, request: Request): Promise<void> {
    const envelope = { type: "request", seq, request } as const;
    try {
      decodeEnvelope(encodeEnvelope(envelope));
    } catch (cause) {
      const text = asPhaulError(cause).message;
      throw new PhaulError("internal", `Cannot send "${request.type}": ${text}`, { cause });
    }
    await this.#send(envelope);
  }

  /** Frames go out one after the other; each is written at once. */
  #send(envelope: Envelope): Promise<void> {
    const sent = this.#writing.then(async () => {
      if (this.#end) throw this.#end;
      await writeFrame(this.#stream, encodeEnvelope(envelope), maxControlFrameBytes);
    });
    this.#writing = sent.catch(() => {});
    return sent;
  }

  #fail(reason: PhaulError): void {
    if (this.#end) return;
    this.#end = reason;
    this.#heartbeat[Symbol.dispose]();
    this.#pace[Symbol.dispose]();
    clearTimeout(this.#frameTimer);
    this.#stream.close();
    this.#pending.rejectAll(reason);
    this.#ended.resolve(reason);
  }
}

function isReplyTo<R extends Request>(reply: Reply, request: R): reply is ReplyTo<R> {
  return reply.type === replyTypeOf[request.type];
}
