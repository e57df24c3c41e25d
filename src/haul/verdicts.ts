/**
 * Brings the source's verdict, COMMIT or ABORT, to the destination, over new connections if need be.
 *
 * @module
 */

import { asPhaulError, type ErrorCode, PhaulError } from "../errors.ts";
import { remoteError } from "../wire/mod.ts";
import type { Timeouts } from "./options.ts";
import type { Peer } from "./peer.ts";
import type { Stages } from "./stages.ts";

/** Failures of a connection, as against answers of the peer. */
export const CONNECTION_LOST: ReadonlySet<ErrorCode> = new Set([
  "peer-lost",
  "peer-silent",
  "peer-unreachable",
]);

/** An abort that does not get through leaves a stopped copy, never a running one: no need to insist. */
const ABORT_ATTEMPTS_MS = 5_000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

/** Why a commit was not acknowledged; `final` when the destination refused it. */
export interface Unacknowledged {
  readonly error: PhaulError;
  readonly final: boolean;
}

/** Sends COMMIT until it is acknowledged, refused, or `commitMs` is over. */
export async function commitAcknowledged(
  peer: Peer,
  migration: string,
  timeouts: Timeouts,
  stages: Stages,
): Promise<"acknowledged" | Unacknowledged> {
  const request = { type: "commit", migrationId: migration } as const;
  const failure = await insist(peer, () => peer.request(request), timeouts.commitMs, (error) => {
    stages.warn(`The destination has not confirmed that the process runs there: ${error.message}`);
  });
  if (!failure) return "acknowledged";
  const error = new PhaulError(
    "in-doubt",
    `Cannot confirm that the process runs on ${peer.name}: ${failure.error.message}`,
    {
      remedy: `Look there for migration ${migration}: "phaul serve" says whether it runs`,
      cause: failure.error,
    },
  );
  return { error, final: failure.final };
}

/**
 * Sends ABORT; gives up soon, with a warning, when the destination cannot be reached.
 *
 * @returns why the destination had given up by itself before
 */
export async function abortDelivered(
  peer: Peer,
  migration: string,
  reason: string,
  timeouts: Timeouts,
  stages: Stages,
): Promise<PhaulError | undefined> {
  let theirs: PhaulError | undefined;
  const request = { type: "abort", migrationId: migration, reason } as const;
  const attemptsMs = Math.min(ABORT_ATTEMPTS_MS, timeouts.stepMs);
  const failure = await insist(peer, async () => {
    const { because } = await peer.request(request);
    theirs = because && remoteError(because);
  }, attemptsMs);
  if (!failure || failure.final) return theirs;
  stages.warn(
    `${peer.name} was not told that the migration ended; it may hold images or a stopped copy, ` +
      "never a running one",
  );
  return undefined;
}

/** Repeats `ask` over new connections until it is answered; returns nothing when that was a yes. */
async function insist(
  peer: Peer,
  ask: () => Promise<unknown>,
  limitMs: number,
  onFailure?: (error: PhaulError) => void,
): Promise<Unacknowledged | undefined> {
  const begun = performance.now();
  let connected = true;
  for (let pauseMs = FIRST_PAUSE_MS;; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      if (!connected) await peer.reconnect(AbortSignal.timeout(limitMs));
      connected = true;
      await ask();
      return undefined;
    } catch (cause) {
      const error = asPhaulError(cause);
      if (!CONNECTION_LOST.has(error.code)) return { error, final: true };
      connected = false;
      onFailure?.(error);
      if (performance.now() - begun + pauseMs > limitMs) return { error, final: false };
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
