/**
 * Deadlines and abort signals as PhaulErrors.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { ByteStream } from "./stream.ts";

/** Why `signal` aborted, as an error of the step `action` ("open a connection to ..."). */
export function abortReason(signal: AbortSignal, action: string): PhaulError {
  const reason: unknown = signal.reason;
  if (reason instanceof PhaulError) return reason;
  if (reason instanceof DOMException && reason.name === "TimeoutError") {
    return new PhaulError("peer-silent", `Cannot ${action}: no answer in time`, { cause: reason });
  }
  return new PhaulError("cancelled", `Cannot ${action}: cancelled`, { cause: reason });
}

/** What bounds a step. */
export interface StepBounds {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Runs `work` on `stream`, which is closed when the deadline passes, the signal aborts or `work`
 * fails: half of an opening is worth nothing.
 *
 * @throws PhaulError `peer-silent` at the deadline, `cancelled` or the signal's own PhaulError, and
 * what `work` throws
 */
export async function bounded<T>(
  stream: ByteStream,
  action: string,
  { deadlineMs, signal }: StepBounds,
  work: () => Promise<T>,
): Promise<T> {
  const end = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const message = `Cannot ${action}: no answer within ${deadlineMs} ms`;
    end.reject(new PhaulError("peer-silent", message));
  }, deadlineMs);
  const onAbort = () => signal && end.reject(abortReason(signal, action));
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort);
  try {
    return await Promise.race([end.promise, work()]);
  } catch (error) {
    stream.close();
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}
