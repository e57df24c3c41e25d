/**
 * The migrations of one `phaul serve`: those that it admits, and those that a phaul before it left.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import type { BeginRequest, Standing } from "../wire/mod.ts";
import { directPortFor, requireDisk, requireFit, restoresLazily } from "./admission.ts";
import { DestinationRole } from "./destination.ts";
import { DirectIntake } from "./direct_intake.ts";
import type { EventSink, HaulEvent } from "./events.ts";
import { IncomingFiles } from "./files/incoming_files.ts";
import { endLeft } from "./files/placement.ts";
import { policyOf } from "./files/targets.ts";
import type { AdmittedRecord, DiskJournal, JournalName, JournalStore } from "../journal/mod.ts";
import { isOver } from "./links.ts";
import { DEFAULT_SERVE_LIMITS, type ServeLimits, type ServeOptions } from "./options.ts";
import { Places } from "./places.ts";
import { Room } from "./room.ts";
import type { TicketBook, TicketOffice } from "./tickets.ts";
import { DEFAULT_WORK_DIR, newWorkDir, openWorkDir, workDirPath } from "./work_dir.ts";

/** How many ended migrations are remembered, to answer a verdict that comes again. */
const REMEMBERED = 1000;

/** What a registry works with. */
export interface RegistryParts {
  readonly options: ServeOptions;
  readonly store: JournalStore;
  readonly criuPath: string;
  /** This host's kernel and CRIU can fill memory in after a restore. */
  readonly lazyPages: boolean;
  readonly tickets: TicketBook;
  readonly sink: EventSink;
}

/** Roles by the id of their migration. */
export class Registry {
  readonly #parts: RegistryParts;
  readonly #roles = new Map<string, DestinationRole>();
  readonly #limits: ServeLimits;
  readonly #places: Places;
  /** By the directory in which images lie. */
  readonly #rooms = new Map<string, Room>();
  #draining = false;

  constructor(parts: RegistryParts) {
    this.#parts = parts;
    this.#limits = parts.options.limits ?? DEFAULT_SERVE_LIMITS;
    this.#places = new Places(this.#limits.maxMigrations);
  }

  /** All roles, the oldest first. */
  get roles(): readonly DestinationRole[] {
    return [...this.#roles.values()];
  }

  /**
   * How every migration stands, or the one of that id: none only when nothing of it is left here.
   *
   * @throws PhaulError `busy`, `journal-damaged`
   */
  async standings(migration?: string): Promise<Standing[]> {
    const chosen = migration === undefined ? this.roles : await this.#known(migration);
    return chosen.map(({ migration: migrationId, state, comm, pid }) => ({
      ...{ migrationId, state, comm },
      ...(pid === undefined ? {} : { pid }),
    }));
  }

  async #known(migrationId: string): Promise<readonly DestinationRole[]> {
    try {
      return [await this.find({ type: "inquire", migrationId })];
    } catch (error) {
      if (error instanceof PhaulError && error.code === "no-such-migration") return [];
      throw error;
    }
  }

  /**
   * The role of a migration; one whose phaul has died since this one began is reopened.
   *
   * @throws PhaulError `no-such-migration`; `busy` when another phaul works on it
   */
  async find(
    request: { readonly type: string; readonly migrationId: string },
  ): Promise<DestinationRole> {
    const name = { migration: request.migrationId, side: "destination" } as const;
    const role = this.#roles.get(name.migration) ?? await this.reopen(name);
    if (role) return role;
    if (await this.#parts.store.read(name)) {
      throw new PhaulError(
        "busy",
        `Cannot answer "${request.type}": another phaul works on migration ${request.migrationId}`,
      );
    }
    throw new PhaulError(
      "no-such-migration",
      `Cannot answer "${request.type}": migration ${request.migrationId} is unknown here`,
    );
  }

  /** Admits no more migrations. */
  drain(): void {
    this.#draining = true;
  }

  /**
   * Takes a migration in.
   *
   * @param link The connection that it comes over.
   * @throws PhaulError `busy`, `protocol`, `no-space`, and what {@linkcode requireFit} throws
   */
  async admit(begin: BeginRequest, link: { readonly peer: string }): Promise<DestinationRole> {
    const { options, store, lazyPages, tickets } = this.#parts;
    const { migrationId: migration } = begin;
    this.#refuseWhenDraining();
    // What waits for a source that is gone does nothing that a limit would be for.
    const underWay = this.roles.filter((role) => !isOver(role) && !role.reopened).length;
    using _place = this.#places.enter(migration, link, underWay);
    if (this.#roles.has(migration)) {
      throw new PhaulError("protocol", `Cannot begin migration ${migration} twice`);
    }
    requireFit(begin);
    const doorPort = directPortFor(begin, options.directPort);
    const lazy = restoresLazily(begin, lazyPages);
    await using owned = new AsyncDisposableStack();
    const base = workDirBase(options, begin.durable);
    const path = store.pathOf({ migration, side: "destination" });
    const admitted = admittedRecord(begin, workDirPath(base, migration, "destination"), options);
    const journal = await store.create({ migration, side: "destination" }, admitted);
    owned.defer(() => journal.remove());
    const workDir = owned.use(await newWorkDir(base, migration, "destination", path));
    if (admitted.durable) await requireDisk(workDir.path, options.stateDir);
    const office = tickets.office();
    const files = owned.use(await this.#filesFor(begin, office));
    using promised = new DisposableStack();
    const share = promised.use(
      await this.#roomIn(base ?? DEFAULT_WORK_DIR).admit(begin.memoryBytes),
    );
    const parts = this.#roleParts(migration, admitted, journal);
    this.#refuseWhenDraining();
    const direct = doorPort === undefined ? undefined : new DirectIntake(office, doorPort);
    const { late } = begin;
    const terms = { lazy, direct: direct?.door, ...(late ? { late } : {}) };
    const from = { share, direct, terms };
    const role = await DestinationRole.admit({ ...parts, workDir, files, tickets: office }, from);
    owned.move();
    const until = promised.move();
    void role.ended.then(() => until.dispose());
    this.#roles.set(migration, role);
    this.#parts.sink(admittedEvent(begin, link.peer));
    return role;
  }

  /** Goes on with what a phaul that died left here; a journal that cannot be read is told of and left. */
  async reopenAll(): Promise<void> {
    const names = await this.#parts.store.list();
    for (const name of names.filter(({ side }) => side === "destination")) {
      await this.reopen(name).catch((error) => {
        this.#warn(name.migration, asPhaulError(error).message);
      });
    }
    for (const message of await endLeft(this.#parts.options.stateDir, this.#parts.store)) {
      this.#parts.sink({ event: "warning", message });
    }
  }

  /**
   * Goes on with one such migration.
   *
   * @returns undefined when a phaul still has it, or it is forgotten by now
   * @throws PhaulError `journal-damaged`
   */
  async reopen(name: JournalName): Promise<DestinationRole | undefined> {
    const journal = await this.#parts.store.reopen(name);
    if (!journal) return undefined;
    const first = journal.records[0]?.record;
    if (first?.mark !== "ADMITTED") {
      await journal.remove();
      return undefined;
    }
    const parts = this.#roleParts(name.migration, first, journal);
    const workDir = openWorkDir(first.workDir);
    try {
      const tickets = this.#parts.tickets.office();
      const role = await DestinationRole.reopen({ ...parts, workDir, tickets }, journal.records);
      this.#roles.set(name.migration, role);
      return role;
    } catch (error) {
      journal.close();
      throw error;
    }
  }

  async #filesFor(begin: BeginRequest, tickets: TicketOffice): Promise<IncomingFiles> {
    const { options } = this.#parts;
    const { migrationId: migration, durable, moves } = begin;
    if (!moves) return IncomingFiles.reopen(options.stateDir, migration);
    return await IncomingFiles.admit({
      ...{ migration, moves, tickets, policy: await policyOf(options) },
      ...{ keepFreeBytes: this.#limits.keepFreeBytes, stallMs: options.timeouts.stallMs },
      durable: durable || options.durable === true,
    });
  }

  #refuseWhenDraining(): void {
    if (!this.#draining) return;
    throw new PhaulError("busy", "Cannot take a migration in: the destination is ending", {
      remedy: "Try again once phaul serve was started anew there",
    });
  }

  #roomIn(base: string): Room {
    const room = this.#rooms.get(base) ?? new Room(base, this.#limits);
    this.#rooms.set(base, room);
    return room;
  }

  #roleParts(migration: string, admitted: AdmittedRecord, journal: DiskJournal) {
    const { options, criuPath, sink } = this.#parts;
    const { criuSocket } = options;
    const onEnd = () => this.#forget();
    const files = IncomingFiles.reopen(options.stateDir, migration);
    return { migration, admitted, options, criuPath, criuSocket, sink, journal, files, onEnd };
  }

  /** Forgets the oldest ended migrations, also those whose source never said that it knows. */
  #forget(): void {
    for (const [migrationId, role] of this.#roles) {
      if (this.#roles.size <= REMEMBERED) return;
      if (role.state !== "running" && role.state !== "discarded") continue;
      this.#roles.delete(migrationId);
      role.answer({ type: "forget", migrationId }).catch((error) => {
        this.#warn(migrationId, asPhaulError(error).message);
      });
    }
  }

  #warn(migration: string, message: string): void {
    this.#parts.sink({ event: "warning", migration, message });
  }
}

/** On a disk below the state directory when that is asked for, and no other place was named. */
function workDirBase(options: ServeOptions, durable: boolean): string | undefined {
  if (options.workDir !== undefined || !durable && !options.durable) return options.workDir;
  return durableBase(options.stateDir);
}

/** Where images lie that are to be on a disk, unless another place was named. */
export function durableBase(stateDir: string): string {
  return `${stateDir}/images`;
}

function admittedEvent(begin: BeginRequest, peer: string): HaulEvent {
  const { migrationId: migration, rootPid: pid, comm, processes, memoryBytes } = begin;
  const tree = { pid, comm, processes: processes.length, memoryBytes };
  return { event: "admitted", migration, ...tree, peer };
}

function admittedRecord(
  begin: BeginRequest,
  workDir: string,
  options: ServeOptions,
): AdmittedRecord {
  const { comm, rootPid, holdMode, restore } = begin;
  const durable = begin.durable || options.durable === true;
  const keepImages = options.keepImages ?? false;
  return { mark: "ADMITTED", comm, rootPid, holdMode, restore, workDir, keepImages, durable };
}
