/**
 * Journal records as lines: the CRC-32 of a JSON object in 8 lower-case hex digits, a blank, the object,
 * a line feed. Whoever is called at night can read it without phaul.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { PhaulError } from "../errors.ts";
import type { JournalRecord, StampedRecord } from "./records.ts";

/** What a journal holds, and how many of its bytes are whole records. */
export interface JournalContent {
  readonly records: readonly StampedRecord[];
  readonly bytes: number;
}

/** Far above what the largest tree needs; a longer line is no record. */
const MAX_LINE_BYTES = 64 * 2 ** 20;
const LF = 0x0a;

/** `stamped` as a line. */
export function encodeRecord({ at, boot, record }: StampedRecord): Uint8Array {
  const json = JSON.stringify({ at, boot, ...record });
  return new TextEncoder().encode(`${checksum(json)} ${json}\n`);
}

/**
 * The records in `bytes`. A tail that was torn off by a crash while it was written is left out.
 *
 * @throws PhaulError `journal-damaged` when what is not a record stands before one
 */
export function decodeJournal(bytes: Uint8Array, path: string): JournalContent {
  const records: StampedRecord[] = [];
  let whole = 0;
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(LF, start);
    if (end < 0) break;
    const json = checkedJson(bytes.subarray(start, end));
    if (json !== undefined && whole < start) throw damaged(path, whole);
    if (json !== undefined) {
      const stamped = decodeRecord(json);
      // Written whole, so not torn off: perhaps by a later version, whose decision must not be ignored.
      if (!stamped) throw damaged(path, start);
      records.push(stamped);
      whole = end + 1;
    }
    start = end + 1;
  }
  return { records, bytes: whole };
}

/** The JSON of a line whose checksum is right. */
function checkedJson(line: Uint8Array): string | undefined {
  if (line.length > MAX_LINE_BYTES) return undefined;
  const text = new TextDecoder().decode(line);
  const [, sum, json] = /^([0-9a-f]{8}) (\{.*\})$/s.exec(text) ?? [];
  return json !== undefined && checksum(json) === sum ? json : undefined;
}

function decodeRecord(json: string): StampedRecord | undefined {
  const { at, boot, ...record } = parseObject(json) ?? {};
  if (typeof at !== "string" || typeof boot !== "string" || !isRecord(record)) return undefined;
  return { at, boot, record };
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, "0");
}

function parseObject(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** What each field of a record must be. */
type Shape =
  | "maybe-text"
  | "text"
  | "number"
  | "flag"
  | "object"
  | "tasks"
  | "processes"
  | "connections";

const PLAIN = {} as const;

/** The fields of each mark. What passes the checksum was written by a phaul: of which version is open. */
const SHAPES: Readonly<Record<JournalRecord["mark"], Readonly<Record<string, Shape>>>> = {
  BEGIN: {
    pid: "number",
    startTimeTicks: "text",
    comm: "text",
    peer: "object",
    tokenFile: "text",
    insecure: "flag",
    workDir: "text",
    keepImages: "flag",
    phaul: "object",
    archive: "maybe-text",
  },
  THROTTLED: { cgroup: "text", cpuMax: "text" },
  INTENT: { tasks: "tasks", connections: "connections" },
  LENT: PLAIN,
  COMMIT: PLAIN,
  DONE: PLAIN,
  ABORT: PLAIN,
  ABORTED: PLAIN,
  ADMITTED: {
    comm: "text",
    rootPid: "number",
    holdMode: "text",
    restore: "object",
    workDir: "text",
    keepImages: "flag",
    durable: "flag",
  },
  RESTORED: { tasks: "tasks" },
  PREPARED: { processes: "processes", connections: "connections", imagesDir: "text" },
  RUNNING: PLAIN,
  CONTINUED: PLAIN,
  DISCARDED: PLAIN,
};

function isRecord(value: object): value is JournalRecord {
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const { mark } = fields;
  if (typeof mark !== "string" || !Object.hasOwn(SHAPES, mark)) return false;
  const shapes = Object.entries(SHAPES[mark as JournalRecord["mark"]]);
  return shapes.every(([name, shape]) => fits(fields[name], shape));
}

function fits(value: unknown, shape: Shape): boolean {
  switch (shape) {
    case "maybe-text":
      return value === undefined || typeof value === "string";
    case "text":
      return typeof value === "string";
    case "number":
      return Number.isSafeInteger(value);
    case "flag":
      return typeof value === "boolean";
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "tasks":
      return isListOf(value, { pid: "number", nsPid: "number", startTimeTicks: "text" });
    case "processes":
      return isListOf(value, { pid: "number", stopped: "flag", zombie: "flag" });
    case "connections":
      return isListOf(value, {
        localAddress: "text",
        localPort: "number",
        remoteAddress: "text",
        remotePort: "number",
      });
    default:
      return shape satisfies never;
  }
}

function isListOf(value: unknown, shapes: Readonly<Record<string, Shape>>): boolean {
  return Array.isArray(value) && value.every((item) => {
    const fields: Readonly<Record<string, unknown>> = { ...item };
    return Object.entries(shapes).every(([name, shape]) => fits(fields[name], shape));
  });
}

function damaged(path: string, offset: number): PhaulError {
  return new PhaulError(
    "journal-damaged",
    `Cannot trust journal "${path}": what stands at byte ${offset} is no record of this version`,
    {
      remedy: "Look for the process on both hosts yourself (docs/failure.md), then move the file " +
        "out of the way",
    },
  );
}
