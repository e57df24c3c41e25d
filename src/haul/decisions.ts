/**
 * What only a person can decide, and what each decision may cost: the words for it.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { DestinationEvent } from "../migrate/tables.ts";
import { givenUp, outOfTurn } from "./answers.ts";
import type { DestinationRole } from "./destination.ts";
import type { Cause } from "./machine.ts";
import type { Force } from "./options.ts";

/** Said before a forced decision is carried out. */
export const RISKS: Readonly<Record<Force, string>> = {
  "source":
    "Forced: the destination's copy is given up. Where the source's is gone, the process is lost",
  "destination":
    "Forced: the destination's copy goes on. What the source's did after it was copied, if " +
    "anything, is lost",
};

/** This host restarted before the commit. */
export function afterRestart(
  migration: string,
  peer: string,
  cause: PhaulError | undefined,
): PhaulError {
  const has = cause
    ? `${peer} cannot be asked (${cause.message})`
    : `${peer} holds a complete copy`;
  return new PhaulError(
    "undecided",
    `Cannot decide by itself: this host restarted before the commit, so the process is gone here; ${has}`,
    {
      remedy:
        `phaul recover ${migration} --force-destination lets that copy go on: what the process did ` +
        "here after it was copied, if phaul had died before the restart, is lost. --force-source gives " +
        "the copy up: the process is lost",
      cause,
    },
  );
}

/** The destination was not told of an abort. */
export function untold(peer: string, migration: string): PhaulError {
  return new PhaulError(
    "peer-unreachable",
    `Cannot tell ${peer} that the migration ended: it may hold images or a stopped copy`,
    {
      remedy: `Once it answers again: phaul recover ${migration}. Should it be gone for good, ` +
        "--force-source forgets the migration here",
    },
  );
}

/** A decision that was not a person's to make. */
export function notForced(migration: string, force: Force, state: string): PhaulError {
  return new PhaulError(
    "not-forced",
    `Cannot force the ${force} for migration ${migration}: the journals decide, and it is "${state}" now`,
    { remedy: `See phaul status ${migration}` },
  );
}

/** Why a reopened destination waits, and for whom. */
export function waits(migration: string, state: string): PhaulError {
  if (state === "uncertain") return mayHaveRun(migration);
  if (state === "running") return lacksMemory(migration);
  const lost = `phaul recover ${migration} --force-source gives the process up`;
  if (state === "stranded") {
    return new PhaulError(
      "undecided",
      `Cannot run migration ${migration}: its tree could not be restored again from its images`,
      { remedy: `See CRIU's log; --force-destination tries again, and ${lost}` },
    );
  }
  const what = state === "prepared"
    ? "its complete copy stands still here"
    : "its copy is gone here";
  return new PhaulError(
    "undecided",
    `Cannot end migration ${migration} from this side: ${what}, and only the source knows whether it ` +
      "gave the process up",
    {
      remedy:
        `On the source: phaul recover ${migration}. Should that host be lost for good, here: ` +
        `phaul recover ${migration} --force-destination lets the copy go on, --force-source removes it`,
    },
  );
}

/** Why a tree that runs is not all that is to be seen to. */
function lacksMemory(migration: string): PhaulError {
  return new PhaulError(
    "in-doubt",
    `Cannot end migration ${migration} from this side: the process runs here, and part of its memory is ` +
      "still on the source",
    {
      remedy:
        "A phaul serve here takes it in as the source gives it; should nobody give it: phaul " +
        `recover ${migration} there. Where it says that the memory is gone, end the process here (kill -KILL)`,
    },
  );
}

/** Why a migration that ended in `state` did, where nothing else is known. */
export function endOf(state: string, migration: string): PhaulError {
  return state === "uncertain" ? mayHaveRun(migration) : givenUp("it was told to");
}

/** The refusal to run a tree of which nobody knows whether it ran before. */
export function mayHaveRun(migration: string): PhaulError {
  return new PhaulError(
    "undecided",
    `Cannot run migration ${migration}: its tree is gone, and may have run here before`,
    {
      remedy:
        `On that host, phaul recover ${migration} --force-destination restores it as it was ` +
        "when it was copied; what it did since, if it ran, it does again",
    },
  );
}

/** Why a destination in that state refuses what `cause` asked for. */
export function refusalOf(
  { state, migration }: Pick<DestinationRole, "state" | "migration">,
  { event, error }: Cause<DestinationEvent>,
  reason: PhaulError | undefined,
): PhaulError {
  if (state === "uncertain") return mayHaveRun(migration);
  const known = event === "abort" ? undefined : reason ?? error;
  return known ?? outOfTurn(event, { migration, state });
}
