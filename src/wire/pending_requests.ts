/**
 * Requests that wait for their replies.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { abortReason } from "./cancel.ts";
import type { Reply } from "./replies.ts";

interface Pending {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: PhaulError) => void;
}

/** The requests of one side of a link, by number. */
export class PendingRequests {
  readonly #pending = new Map<number, Pending>();
  #lastSeq = 0;

  /** A new number and the reply that will come for it; `action` names it in errors. */
  add(
    action: string,
    { timeoutMs, signal }: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ): { readonly seq: number; readonly reply: Promise<Reply> } {
    const seq = ++this.#lastSeq;
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const onTimeout = () => {
      const message = `Cannot ${action}: no answer within ${timeoutMs} ms`;
      this.reject(seq, new PhaulError("peer-silent", message));
    };
    const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, timeoutMs);
    const onAbort = () => signal && this.reject(seq, abortReason(signal, action));
    signal?.addEventListener("abort", onAbort);
    this.#pending.set(seq, { resolve, reject });
    const reply = promise.finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    });
    return { seq, reply };
  }

  /** The reply to `seq` came. Late ones are dropped; throws PhaulError `protocol` for one never asked. */
  resolve(seq: number, reply: Reply): void {
    this.#take(seq)?.resolve(reply);
  }

  /** `seq` failed; see {@linkcode resolve}. */
  reject(seq: number, error: PhaulError): void {
    this.#take(seq)?.reject(error);
  }

  /** All that still wait fail. */
  rejectAll(error: PhaulError): void {
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #take(seq: number): Pending | undefined {
    if (seq > this.#lastSeq) {
      throw new PhaulError(
        "protocol",
        `Cannot take an answer to number ${seq}: it was never asked`,
      );
    }
    const pending = this.#pending.get(seq);
    this.#pending.delete(seq);
    return pending;
  }
}
