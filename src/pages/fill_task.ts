/**
 * One process, or one memory to be exact, that is filled in while it runs.
 *
 * @module
 */

import {
  decodeUffdEvent,
  type Fd,
  fillFrom,
  type Filling,
  fillWithZeros,
  type Mapping,
  readUffdEvent,
  type UffdEvent,
  unregister,
  wake,
} from "../sys/mod.ts";
import type { Areas } from "./areas.ts";
import { applyTo } from "./area_events.ts";
import type { EventLog } from "./event_log.ts";
import type { LateMaps } from "./late_map.ts";
import type { LateRun } from "./late_store.ts";
import { cut, type Piece, type Pieces } from "./pieces.ts";
import type { Waits } from "./waits.ts";

/** Of a fault's neighbourhood, so many pages are filled in with it: 64 KiB. */
const FAULT_PAGES = 16;
/** In the background, so many at once: a fault that comes meanwhile waits for them. */
const CHUNK_PAGES = 128;
/** Above all user addresses, without the last page: userfaultfd takes no range that goes beyond them. */
const ADDRESS_LIMITS = [2 ** 48 - 4096, 2 ** 47 - 4096];
/** Nobody may map what lies below (vm.mmap_min_addr). */
const LOWEST_ADDRESS = 65536;

/** Where contents lie in this process. */
export interface Store {
  /** Each pages file, by its number. */
  readonly pages: ReadonlyMap<number, Mapping>;
  /** Which of them have come. */
  readonly late: LateMaps;
  /** Somebody waits for these. */
  readonly wanted: (late: LateRun) => void;
}

/** What a task is made of. */
export interface FillTaskParts {
  readonly id: number;
  /** The task's own, and its owner's to close. */
  readonly uffd: Fd;
  readonly pieces: Pieces;
  readonly store: Store;
  /** Notes how long processes waited for late pages. */
  readonly waits: Waits;
  readonly log: EventLog;
  readonly areas: Areas;
  readonly pageBytes: number;
}

/** A range that is to be filled in, in pages of the process. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** Fills one memory in, by demand and in the background. Every method returns soon. */
export class FillTask {
  readonly id: number;
  readonly uffd: Fd;
  readonly areas: Areas;
  readonly #parts: FillTaskParts;
  #todo: Range[] = [];
  #faultsToServe: number[] = [];
  /** Of late pages: what the background has left out, and pages that somebody waits for since when. */
  #later: Range[] = [];
  readonly #awaited = new Map<number, number>();
  #newsCame = false;
  #chunkPages = CHUNK_PAGES;
  #gone = false;
  #pages = 0;
  #faults = 0;

  constructor(parts: FillTaskParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.uffd = parts.uffd;
    this.areas = parts.areas;
    // As it is after all that its log tells.
    for (const event of parts.log.events()) applyTo(this.areas, event, parts.pageBytes);
    for (let area = this.areas.from(0); area; area = this.areas.from(area.end)) {
      this.#todo.push({ start: area.start, end: area.end });
    }
  }

  /** Its process has ended. */
  get gone(): boolean {
    return this.#gone;
  }

  /** There is nothing left to be filled in. */
  get done(): boolean {
    return this.#gone || (this.idle && this.#later.length === 0 && this.#awaited.size === 0);
  }

  /** There is nothing to be done before late pages come, or the process does something. */
  get idle(): boolean {
    return this.#gone || (this.#todo.length === 0 && this.#faultsToServe.length === 0);
  }

  /** Late pages have come, maybe what is waited for. */
  look(): void {
    this.#newsCame = true;
    this.#faultsToServe.push(...this.#awaited.keys());
    this.#serveFaults();
    this.#takeUpLater();
  }

  /** Pages that were filled in from the images. */
  get pages(): number {
    return this.#pages;
  }

  /** Faults that were served. */
  get faults(): number {
    return this.#faults;
  }

  /** Lets everybody who waits fault again: whoever was to serve them may have died before. */
  wakeAll(): void {
    for (const end of ADDRESS_LIMITS) wake(this.uffd, LOWEST_ADDRESS, end - LOWEST_ADDRESS);
  }

  /**
   * Acts on what the process did meanwhile.
   *
   * @returns descriptors of children, with how much of this task's log came before each
   */
  takeEvents(): { readonly fd: number; readonly logged: number }[] {
    const children: { fd: number; logged: number }[] = [];
    for (let event = this.#nextEvent(); event; event = this.#nextEvent()) {
      if (event.kind === "fault") {
        this.#faultsToServe.push(Math.floor(event.address / this.#parts.pageBytes));
        continue;
      }
      // Children have the areas as they are before what comes next.
      if (event.kind === "fork") children.push({ fd: event.fd, logged: this.#parts.log.length });
      else this.#apply(event);
    }
    this.#serveFaults();
    return children;
  }

  /** Fills the next part in. */
  fillNext(): void {
    if (this.#faultsToServe.length > 0) this.#serveFaults();
    const range = this.#todo[0];
    if (!range || this.#gone) return;
    const next = this.#nextPiece(range);
    if (!next) {
      this.#todo.shift();
      return this.#takeUpLater();
    }
    const { piece: all, page } = next;
    const piece = this.#parts.store.late.came(cut(all, all.page, all.page + this.#chunkPages));
    if (piece.count === 0) {
      // All that is missing at once: how often this is looked at grows with what comes, not with what lacks.
      const missing = this.#parts.store.late.missing(all);
      this.#leave(page, missing);
      this.#todo[0] = { start: page + missing, end: range.end };
      return;
    }
    const { outcome, bytes } = this.#fill(page, piece);
    const filled = bytes / this.#parts.pageBytes;
    let reached = page + filled;
    if (outcome === "there") reached++;
    if (outcome === "absent" && filled === 0) {
      // A mapping may have been split: what goes beyond its end is refused as a whole.
      if (piece.count === 1) reached++;
      else this.#chunkPages = Math.max(1, piece.count >>> 2);
    } else if (this.#chunkPages < CHUNK_PAGES) this.#chunkPages *= 2;
    this.#todo[0] = { start: reached, end: range.end };
  }

  #nextEvent(): UffdEvent | undefined {
    if (this.#gone) return undefined;
    const { log } = this.#parts;
    const slot = log.slot();
    if (!readUffdEvent(this.uffd, slot)) return undefined;
    const event = decodeUffdEvent(slot);
    if (event && event.kind !== "fault") log.keep();
    return event;
  }

  #apply(event: UffdEvent): void {
    const { pageBytes } = this.#parts;
    applyTo(this.areas, event, pageBytes);
    if (event.kind === "remap") {
      const start = event.to / pageBytes;
      this.#todo.push({ start, end: start + event.bytes / pageBytes });
    }
    if (event.kind === "remove") unregister(this.uffd, event.start, event.end - event.start);
  }

  /** The next piece in `range`, with its page in the process. */
  #nextPiece(range: Range): { piece: Piece; page: number } | undefined {
    for (let at = range.start; at < range.end;) {
      const area = this.areas.from(at);
      if (!area || area.start >= range.end) return undefined;
      const start = Math.max(area.start, at);
      const end = Math.min(area.end, range.end);
      const [piece] = this.#parts.pieces.within(start - area.shift, end - start);
      if (piece) return { piece, page: piece.page + area.shift };
      at = end;
    }
    return undefined;
  }

  #serveFaults(): void {
    const faults = this.#faultsToServe;
    this.#faultsToServe = [];
    for (const page of faults) {
      if (!this.#gone && !this.#serve(page)) this.#faultsToServe.push(page);
    }
  }

  /** @returns false when it has to be tried again, after the next event */
  #serve(page: number): boolean {
    const { pageBytes, pieces } = this.#parts;
    const area = this.areas.from(page);
    const inside = area !== undefined && area.start <= page;
    const [piece] = inside
      ? pieces.within(page - area.shift, Math.min(FAULT_PAGES, area.end - page))
      : [];
    const known = piece !== undefined && area !== undefined && piece.page + area.shift === page;
    const there = known ? this.#parts.store.late.came(piece) : undefined;
    if (there?.count === 0 && piece) return this.#await(page, piece);
    let filling = there
      ? this.#fill(page, there)
      : fillWithZeros(this.uffd, page * pageBytes, pageBytes);
    if (there && filling.outcome === "absent" && filling.bytes === 0) {
      filling = this.#fill(page, cut(there, there.page, there.page + 1));
    }
    if (filling.outcome === "gone") this.#gone = true;
    if (filling.outcome === "again" && filling.bytes === 0) return false;
    this.#faults++;
    this.#served(page);
    // Somebody else was faster, or it is the kernel's to fill: whoever waits finds out by itself.
    if (filling.outcome !== "filled") wake(this.uffd, page * pageBytes, pageBytes);
    return true;
  }

  #await(page: number, piece: Piece): true {
    if (!this.#awaited.has(page)) {
      this.#awaited.set(page, performance.now());
      this.#parts.store.wanted({
        file: piece.file,
        at: piece.at,
        count: this.#parts.store.late.missing(piece),
      });
    }
    return true;
  }

  #served(page: number): void {
    const since = this.#awaited.get(page);
    if (since === undefined) return;
    this.#awaited.delete(page);
    this.#parts.waits.add(performance.now() - since);
  }

  #leave(start: number, count: number): void {
    const last = this.#later.at(-1);
    if (last?.end === start) this.#later[this.#later.length - 1] = { ...last, end: start + count };
    else this.#later.push({ start, end: start + count });
  }

  /** From the beginning again, once everything was looked at and something has come since. */
  #takeUpLater(): void {
    if (this.#todo.length > 0 || !this.#newsCame) return;
    this.#newsCame = false;
    [this.#todo, this.#later] = [this.#later, []];
  }

  #fill(page: number, piece: Piece): Filling {
    const { store, pageBytes } = this.#parts;
    const mapping = store.pages.get(piece.file);
    if (!mapping) throw new Error(`Cannot fill memory in: pages file ${piece.file} is missing`);
    const source = mapping.address + piece.at * pageBytes;
    const filling = fillFrom(this.uffd, page * pageBytes, source, piece.count * pageBytes);
    this.#pages += filling.bytes / pageBytes;
    if (filling.outcome === "gone") this.#gone = true;
    return filling;
  }
}
