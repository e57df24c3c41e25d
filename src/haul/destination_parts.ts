/**
 * What a destination's role is made of.
 *
 * @module
 */

import type { DirectDoor } from "../wire/mod.ts";
import { logsDirOf } from "./evidence.ts";
import type { DirectIntake } from "./direct_intake.ts";
import type { EventSink } from "./events.ts";
import type { IncomingFiles } from "./files/incoming_files.ts";
import type { AdmittedRecord, Journal } from "../journal/mod.ts";
import type { DestinationState } from "../migrate/tables.ts";
import type { ServeOptions } from "./options.ts";
import type { Share } from "./room.ts";
import type { Stages } from "./stages.ts";
import type { TicketOffice } from "./tickets.ts";
import type { RestorerOptions } from "./restorer.ts";
import type { WorkDir } from "./work_dir.ts";

/** What a destination's role works with. */
export interface DestinationParts extends RestorerOptions {
  readonly migration: string;
  /** The first record of its journal. */
  readonly admitted: AdmittedRecord;
  readonly options: ServeOptions;
  /** Of this migration alone; the role disposes of it. */
  readonly workDir: WorkDir;
  readonly sink: EventSink;
  readonly tickets: TicketOffice;
  readonly journal: Journal;
  /** Those that come along; the role disposes of it. */
  readonly files: IncomingFiles;
  /** Called when the role has nothing left to do by itself; maybe more than once. */
  readonly onEnd: () => void;
}

/** What a source is told of its migration. */
export interface Terms {
  /** Its memory is filled in after the restore. */
  readonly lazy: boolean;
  /** Where its pages come directly. */
  readonly direct?: DirectDoor;
  /** Pages may stay in the source's tree, and come late. */
  readonly late?: boolean;
}

/** What a migration that begins is given. */
export interface Admission {
  readonly terms: Terms;
  /** What it may bring. */
  readonly share: Share;
  /** For pages that come directly; the role disposes of it. */
  readonly direct?: DirectIntake;
}

/** Removes the images, unless they are to be kept. */
export async function removeImages({ admitted, workDir }: DestinationParts): Promise<void> {
  if (admitted.keepImages) await workDir.keep();
  else await workDir[Symbol.asyncDispose]();
}

/** Removes what a migration that came to its end in `state` needs no more. */
export async function tidyUp(
  parts: DestinationParts,
  state: DestinationState,
  stages: Stages,
): Promise<void> {
  const { workDir, options, journal, files } = parts;
  using _files = files;
  if (state === "running") await stages.leniently(() => files.keep());
  if (state === "discarded") await workDir.keepLogs(logsDirOf(options.stateDir));
  // The images of a tree that runs are needed until it has all its memory.
  if (state !== "running") await removeImages(parts);
  // The journal stays then: the source may not have heard of that yet.
  if (state === "running") journal.close();
  else await journal.remove();
}
