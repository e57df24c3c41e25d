/**
 * What is kept of a migration beside its summary: enough to show afterwards how it went.
 *
 * @module
 */

import type {
  FindingNote,
  HaulEvent,
  HostsVersions,
  IterationFigures,
  TimelineEntry,
} from "./events.ts";
import type { Timeline } from "./timeline.ts";

/** Beyond so many, every second sample is left out, and from then on of those that come. */
const MAX_SAMPLES = 240;

/** Nobody reads more, and a peer decides how many there are. */
const MAX_FINDINGS = 200;

/** How much of the page streams had come by a moment. */
export interface TransferSample {
  /** Since the migration began, in milliseconds. */
  readonly atMs: number;
  /** Of all iterations so far. */
  readonly bytes: number;
}

/** How a migration went. */
export interface MigrationDetails {
  /** When it began, ISO 8601. */
  readonly begunAt: string;
  readonly hosts?: HostsVersions;
  readonly findings: readonly FindingNote[];
  readonly iterations: readonly IterationFigures[];
  readonly timeline: readonly TimelineEntry[];
  readonly transfer: readonly TransferSample[];
}

/** Writes down what a migration's events tell. */
export class MigrationRecord {
  readonly #begunAt = new Date().toISOString();
  readonly #begunMs = performance.now();
  readonly #findings: FindingNote[] = [];
  readonly #iterations: IterationFigures[] = [];
  #hosts: HostsVersions | undefined;
  #samples: TransferSample[] = [];
  #every = 1;
  #skipped = 0;
  #earlierBytes = 0;
  /** Of the newest iteration. */
  #bytes = 0;

  /** Takes in one event. */
  take(event: HaulEvent): void {
    switch (event.event) {
      case "examined":
        this.#findings.push(...event.findings.slice(0, MAX_FINDINGS - this.#findings.length));
        this.#hosts = event.hosts ?? this.#hosts;
        return;
      case "iteration-begin":
        this.#earlierBytes += this.#bytes;
        return this.#sample(0, true);
      case "progress":
        return this.#sample(event.bytes, false);
      case "iteration-end": {
        const { event: _, migration: _id, ...figures } = event;
        this.#iterations.push(figures);
        return this.#sample(figures.bytes, true);
      }
    }
  }

  /** All of it. */
  details(timeline: Timeline): MigrationDetails {
    return {
      begunAt: this.#begunAt,
      ...(this.#hosts ? { hosts: this.#hosts } : {}),
      findings: this.#findings,
      iterations: this.#iterations,
      timeline: timeline.entries,
      transfer: this.#samples,
    };
  }

  /** @param bytes of the newest iteration */
  #sample(bytes: number, always: boolean): void {
    this.#bytes = bytes;
    if (!always && this.#skipped++ % this.#every !== 0) return;
    const atMs = performance.now() - this.#begunMs;
    this.#samples.push({ atMs, bytes: this.#earlierBytes + bytes });
    if (this.#samples.length <= MAX_SAMPLES) return;
    this.#samples = this.#samples.filter((_, index) => index % 2 === 0);
    this.#every *= 2;
  }
}
