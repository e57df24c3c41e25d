/**
 * Brings the source's verdict, COMMIT or ABORT, to the destination, over new connections if need be.
 *
 * @module
 */

import { asPhaulError, type ErrorCode, PhaulError } from "../errors.ts";
import { remoteError } from "../wire/mod.ts";
import type { Journal } from "../journal/mod.ts";
import type { Timeouts } from "./options.ts";
import type { Destination } from "./peer.ts";
import type { Stages } from "./stages.ts";

/** Answers of a peer that will have another one later. */
const LATER: ReadonlySet<ErrorCode> = new Set(["busy"]);

/** Failures of a connection, as against answers of the peer. */
export const CONNECTION_LOST: ReadonlySet<ErrorCode> = new Set([
  "peer-lost",
  "peer-silent",
  "peer-unreachable",
]);

/**
 * Why a migration failed, by both sides: a stream that broke is only what this side, or a CRIU or an rsync
 * that sends itself, saw of the peer's failure.
 */
export function deeperReason(
  own: PhaulError | undefined,
  { theirs, lost, direct }: { theirs?: PhaulError; lost?: PhaulError; direct: boolean },
): PhaulError | undefined {
  if (theirs?.code === "undecided") return theirs;
  const code = own?.code ?? "internal";
  const byCriu = code === "criu-failed" && direct;
  if (!CONNECTION_LOST.has(code) && !byCriu && code !== "files-failed") return own;
  // Of a peer that is gone, a CRIU that sends itself may have seen the end sooner than this side.
  return theirs ?? (byCriu ? lost : undefined) ?? own;
}

/** For so long an abort is tried again; a busy destination may take seconds for a handshake. */
const ABORT_ATTEMPTS_MS = 15_000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

/** Why a commit was not acknowledged; `final` when the destination refused it. */
export interface Unacknowledged {
  readonly error: PhaulError;
  readonly final: boolean;
}

/** What a verdict is delivered with. */
export interface VerdictParts {
  readonly peer: Destination;
  readonly migration: string;
  readonly timeouts: Timeouts;
  readonly stages: Stages;
  readonly journal: Journal;
}

/** The verdict of one migration on its way to the destination. */
export class Verdict {
  readonly #parts: VerdictParts;
  #aborting: Promise<Aborted> | undefined;

  constructor(parts: VerdictParts) {
    this.#parts = parts;
  }

  /** Sends COMMIT until it is acknowledged, refused, or `commitMs` is over. */
  async commit(): Promise<"acknowledged" | Unacknowledged> {
    const { peer, migration, timeouts, stages } = this.#parts;
    const request = { type: "commit", migrationId: migration, forced: false } as const;
    const ask = async () => {
      const { steps } = await peer.request(request);
      stages.tell({ event: "destination-steps", migration, steps });
    };
    const failure = await insist(peer, ask, timeouts.commitMs, (error) => {
      stages.warn(
        `The destination has not confirmed that the process runs there: ${error.message}`,
      );
    });
    if (!failure) return "acknowledged";
    const error = new PhaulError(
      "in-doubt",
      `Cannot confirm that the process runs on ${peer.name}: ${failure.error.message}`,
      { remedy: await this.#doubtRemedy(failure), cause: failure.error },
    );
    return { error, final: failure.final };
  }

  async #doubtRemedy({ error, final }: Unacknowledged): Promise<string> {
    const { peer, migration, timeouts } = this.#parts;
    if (!final) return `Once ${peer.name} answers again: phaul recover ${migration}`;
    // It has just answered: no need to insist.
    const briefly = { ...timeouts, commitMs: timeouts.connectMs };
    const has = await askWhatPeerHas(peer, migration, briefly).catch(() => undefined);
    if (has === "peer-lacks") {
      return "It was ended there: unless the process runs there, by an operator who gave it up. " +
        `phaul recover ${migration} --force-destination ends it here too, where the process is gone`;
    }
    return error.remedy ?? `There: phaul status ${migration} says what became of it`;
  }

  /** Begins to send ABORT; {@linkcode Verdict.settle} waits for it. */
  abort(reason: string): void {
    const { peer, migration, timeouts, stages } = this.#parts;
    this.#aborting = abortDelivered(peer, migration, reason, timeouts, stages);
  }

  /**
   * Removes the journal, unless it is still needed to tell the destination of an abort.
   *
   * @param done The destination runs the tree.
   * @returns whether the destination knows how it ended
   */
  async settle(done: boolean): Promise<Aborted> {
    const { peer, migration, journal } = this.#parts;
    const aborted = await this.#aborting;
    if (aborted?.delivered !== false) await journal.remove();
    if (done && peer.connected) {
      // Last: what is asked of a destination that has forgotten would never be answered. Should this be
      // lost, it forgets by itself, in time.
      await peer.request({ type: "forget", migrationId: migration }).catch(() => {});
    }
    return aborted ?? { delivered: true };
  }
}

/** How the attempt to tell of an abort ended. */
export interface Aborted {
  readonly delivered: boolean;
  /** Why the destination had given up by itself before, or what it says instead. */
  readonly because?: PhaulError;
}

/** An abort that does not get through leaves a stopped copy, never a running one: no need to insist. */
async function abortDelivered(
  peer: Destination,
  migration: string,
  reason: string,
  timeouts: Timeouts,
  stages: Stages,
): Promise<Aborted> {
  let because: PhaulError | undefined;
  const request = { type: "abort", migrationId: migration, reason, forced: false } as const;
  const attemptsMs = Math.min(ABORT_ATTEMPTS_MS, timeouts.stepMs, timeouts.commitMs);
  const failure = await insist(peer, async () => {
    const reply = await peer.request(request);
    because = reply.because && remoteError(reply.because);
  }, attemptsMs);
  // A destination that knows of no such migration has nothing of it either.
  if (!failure || failure.error.code === "no-such-migration") return { delivered: true, because };
  const has = failure.final && await askWhatPeerHas(peer, migration, timeouts).catch(() => {});
  if (has === "peer-runs") return { delivered: false, because: twoCopies(peer.name, migration) };
  stages.warn(
    `${peer.name} was not told that the migration ended (${failure.error.message}); it may hold ` +
      `images or a stopped copy until "phaul recover ${migration}" tells it`,
  );
  return { delivered: false };
}

/**
 * Demands that the destination speaks of the same migration: it will know no other one by the verdict.
 *
 * @throws PhaulError `protocol`
 */
export function requireSame(migration: string, theirs: string): void {
  if (migration === theirs) return;
  throw new PhaulError(
    "protocol",
    `Cannot go on: the destination speaks of migration ${theirs}, not of ${migration}`,
  );
}

/** What the destination has of a migration. */
export type PeerHas = "peer-holds" | "peer-lacks" | "peer-runs";

/**
 * Asks the destination what it has of a migration.
 *
 * @throws PhaulError when it cannot be reached within `commitMs`
 */
export async function askWhatPeerHas(
  peer: Destination,
  migration: string,
  timeouts: Timeouts,
): Promise<PeerHas> {
  let state: string | undefined;
  const failure = await insist(peer, async () => {
    const { standings } = await peer.request({ type: "inquire", migrationId: migration });
    state = standings.find(({ migrationId }) => migrationId === migration)?.state;
  }, timeouts.commitMs);
  if (failure) throw failure.error;
  if (state === undefined || state === "discarded" || state === "discarding") return "peer-lacks";
  return ["running", "resuming", "reviving"].includes(state) ? "peer-runs" : "peer-holds";
}

/** Only a person who forced the destination can have brought this about. */
function twoCopies(peer: string, migration: string): PhaulError {
  return new PhaulError(
    "undecided",
    `TWO COPIES: the process runs on this host, and on ${peer}, where somebody forced it to`,
    {
      remedy: `End one of both at once (kill -KILL); then phaul recover ${migration} ` +
        "--force-source forgets this migration",
    },
  );
}

/** Repeats `ask` over new connections until it is answered; returns nothing when that was a yes. */
export async function insist(
  peer: Destination,
  ask: () => Promise<unknown>,
  limitMs: number,
  onFailure?: (error: PhaulError) => void,
): Promise<Unacknowledged | undefined> {
  const begun = performance.now();
  let connected = peer.connected;
  for (let pauseMs = FIRST_PAUSE_MS;; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      if (!connected) await peer.reconnect(AbortSignal.timeout(limitMs));
      connected = true;
      await ask();
      return undefined;
    } catch (cause) {
      const error = asPhaulError(cause);
      if (!CONNECTION_LOST.has(error.code) && !LATER.has(error.code)) return { error, final: true };
      connected = LATER.has(error.code);
      onFailure?.(error);
      if (performance.now() - begun + pauseMs > limitMs) return { error, final: false };
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
