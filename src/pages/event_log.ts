/**
 * What a process did to its memory while it is filled in, kept where the death of whoever reads it cannot
 * reach it: the kernel writes each event straight into a shared mapping as it hands it out, so there is no
 * moment in which an event was taken and is not on record.
 *
 * @module
 */

import {
  decodeUffdEvent,
  Mapping,
  openFile,
  setLength,
  UFFD_EVENT_BYTES,
  type UffdEvent,
} from "../sys/mod.ts";

/** A process that does more than that to its memory before it is filled in is an odd one. */
const MAX_EVENTS = 2 ** 18;

/** The log of one memory, in a file. */
export class EventLog implements Disposable {
  readonly #mapping: Mapping;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  /**
   * Opens the log at `path`, which is made when it is not there.
   *
   * @throws SyscallError
   */
  constructor(path: string) {
    using file = openFile(path, "update");
    // Only what is used of it takes room.
    setLength(file, MAX_EVENTS * UFFD_EVENT_BYTES);
    this.#mapping = Mapping.of(file, MAX_EVENTS * UFFD_EVENT_BYTES, "update");
    this.#bytes = this.#mapping.bytes();
    while (kept(this.#at(this.#length))) this.#length++;
  }

  /** Events in it. */
  get length(): number {
    return this.#length;
  }

  /** All of them, the oldest first. */
  events(): UffdEvent[] {
    return Array.from({ length: this.#length }, (_, index) => kept(this.#at(index)))
      .filter((event) => event !== undefined);
  }

  /**
   * Where the next event is to be read to. It stays in the log if {@linkcode EventLog.keep} is called, and
   * is overwritten by the next one if not.
   *
   * @throws Error when the log is full
   */
  slot(): Uint8Array<ArrayBuffer> {
    if (this.#length === MAX_EVENTS) throw new Error("Cannot follow the process: its log is full");
    return this.#at(this.#length);
  }

  /** Keeps what was read into the slot. */
  keep(): void {
    this.#length++;
  }

  /** Lets go of the file. */
  [Symbol.dispose](): void {
    this.#mapping[Symbol.dispose]();
  }

  #at(index: number): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(index * UFFD_EVENT_BYTES, (index + 1) * UFFD_EVENT_BYTES);
  }
}

/** Faults are no part of a log: one may lie behind its end, read and not kept. */
function kept(bytes: Uint8Array): UffdEvent | undefined {
  const event = decodeUffdEvent(bytes);
  return event?.kind === "fault" ? undefined : event;
}
