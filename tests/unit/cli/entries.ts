import type { HistoryEntry } from "../../../src/haul/history.ts";

const migration = "0123456789abcdef0123456789abcdef";
const source = (name: string, atMs: number) => ({ name, on: "source", atMs }) as const;
const destination = (name: string, atMs: number) => ({ name, on: "destination", atMs }) as const;

/** A migration that moved, as its source remembers it. */
export const MOVED: HistoryEntry = {
  ...{ v: 1, at: "2026-01-31T12:00:00.000Z", migration, side: "source" },
  ...{ pid: 7, comm: "redis", peer: "dst:7284", whereabouts: "destination" },
  summary: {
    ...{ migration, iterations: [], switchoverMs: 84, totalMs: 61_000, bytes: 1024 },
    sentBytes: 1024,
  },
  details: {
    begunAt: "2026-01-31T11:59:00.000Z",
    hosts: {
      source: { criuVersion: "3.17.1", kernel: "6.1.0", arch: "x86_64" },
      destination: { criuVersion: "4.1.1", kernel: "6.12.0", arch: "x86_64" },
    },
    findings: [
      { code: "clock", severity: "note", on: "both", message: "the clocks differ by 2 s" },
      { code: "room", severity: "warning", on: "destination", message: "1 MiB is left" },
    ],
    iterations: [
      {
        ...{ iteration: 1, final: false, pagesWritten: 25_600, bytes: 104_857_600 },
        ...{ sentBytes: 52_428_800, durationMs: 1000, frozenTimeUs: 4_000 },
      },
      {
        ...{ iteration: 2, final: true, pagesWritten: 256, bytes: 1_048_576 },
        ...{ sentBytes: 1_048_576, durationMs: 20, frozenTimeUs: 60_000 },
      },
    ],
    timeline: [
      source("checked", 50),
      source("connected", 200),
      source("iteration-1", 210),
      source("final-dump", 1210),
      destination("final-dump", 1212),
      source("freeze", 1216),
      source("frozen", 1240),
      destination("images", 1245),
      destination("restored", 1280),
      destination("prepared", 1285),
      source("prepared", 1286),
      source("committed", 1290),
      destination("committed", 1292),
      destination("continued", 1297),
      source("running", 1300),
      source("drained", 1500),
    ],
    transfer: [
      { atMs: 210, bytes: 0 },
      { atMs: 710, bytes: 52_428_800 },
      { atMs: 750, bytes: 52_428_900 },
      { atMs: 1210, bytes: 104_857_600 },
    ],
  },
};

/** One that did not, and had not come far. */
export const FAILED: HistoryEntry = {
  ...{ v: 1, at: "2026-01-31T13:00:00.000Z", migration, side: "source", pid: 8 },
  ...{ peer: "dst:7284", whereabouts: "source" },
  failure: { code: "peer-lost", message: "Cannot reach\x1b[2J" },
  details: {
    ...{ begunAt: "2026-01-31T12:59:00.000Z", findings: [], iterations: [], transfer: [] },
    timeline: [source("checked", 50), source("aborted", 80)],
  },
};

/** One that came to this host. */
export const CAME: HistoryEntry = {
  ...{ v: 1, at: "2026-01-31T14:00:00.000Z", migration, side: "destination", pid: 9, comm: "x" },
  ...{ peer: "10.0.0.1:4000", whereabouts: "destination" },
  details: {
    ...{ begunAt: "2026-01-31T13:59:00.000Z", findings: [], iterations: [], transfer: [] },
    timeline: [
      destination("iteration-1", 10),
      destination("final-dump", 500),
      destination("prepared", 600),
      destination("committed", 610),
      destination("running", 620),
      destination("drained", 900),
    ],
  },
};
