/**
 * The statistics that CRIU leaves after a dump.
 *
 * Format (criu/stats.c, images/stats.proto): u32le 0x55105940, u32le 0x57093306, u32le length, then a
 * protobuf message of that length.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { codec } from "./protobuf.ts";

/** What a dump or pre-dump took. Pages are of 4096 bytes; shmem pages are counted apart. */
export interface DumpStats {
  readonly freezingTimeUs: number;
  readonly frozenTimeUs: number;
  readonly memdumpTimeUs: number;
  readonly memwriteTimeUs: number;
  readonly pagesScanned: number;
  readonly pagesSkippedParent: number;
  readonly pagesWritten: number;
  readonly shpagesScanned: number;
  readonly shpagesSkippedParent: number;
  readonly shpagesWritten: number;
}

interface StatisticsMessage {
  readonly dump?: {
    readonly freezingTime?: number;
    readonly frozenTime?: number;
    readonly memdumpTime?: number;
    readonly memwriteTime?: number;
    readonly pagesScanned?: number;
    readonly pagesSkippedParent?: number;
    readonly pagesWritten?: number;
    readonly shpagesScanned?: number;
    readonly shpagesSkippedParent?: number;
    readonly shpagesWritten?: number;
  };
}

const MAGICS = [0x55105940, 0x57093306] as const;
const HEADER_BYTES = 12;
const STATISTICS = codec<StatisticsMessage>("criu_stats.proto", "criu.Statistics");

/**
 * Reads `stats-dump` in `workDir`.
 *
 * @throws PhaulError `criu-failed` when it is malformed; Deno.errors.NotFound when there is none
 */
export async function readDumpStats(workDir: string): Promise<DumpStats> {
  return parseDumpStats(await Deno.readFile(`${workDir}/stats-dump`));
}

/**
 * The pure part of {@linkcode readDumpStats}.
 *
 * @throws PhaulError `criu-failed` when `bytes` are malformed
 */
export function parseDumpStats(bytes: Uint8Array): DumpStats {
  const { dump } = statisticsIn(bytes);
  if (dump === undefined) throw malformed("no figures of a dump");
  return {
    freezingTimeUs: dump.freezingTime ?? 0,
    frozenTimeUs: dump.frozenTime ?? 0,
    memdumpTimeUs: dump.memdumpTime ?? 0,
    memwriteTimeUs: dump.memwriteTime ?? 0,
    pagesScanned: dump.pagesScanned ?? 0,
    pagesSkippedParent: dump.pagesSkippedParent ?? 0,
    pagesWritten: dump.pagesWritten ?? 0,
    shpagesScanned: dump.shpagesScanned ?? 0,
    shpagesSkippedParent: dump.shpagesSkippedParent ?? 0,
    shpagesWritten: dump.shpagesWritten ?? 0,
  };
}

function statisticsIn(bytes: Uint8Array): StatisticsMessage {
  if (bytes.length < HEADER_BYTES) throw malformed("too short");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(8, true);
  const right = view.getUint32(0, true) === MAGICS[0] && view.getUint32(4, true) === MAGICS[1];
  if (!right) throw malformed("another kind of image");
  if (bytes.length < HEADER_BYTES + length) throw malformed("too short");
  try {
    return STATISTICS.decode(bytes.subarray(HEADER_BYTES, HEADER_BYTES + length));
  } catch (cause) {
    throw malformed("not the message it should be", cause);
  }
}

function malformed(what: string, cause?: unknown): PhaulError {
  return new PhaulError("criu-failed", `Cannot read CRIU's statistics: ${what}`, { cause });
}
