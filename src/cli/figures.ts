/**
 * Numbers as people read them.
 *
 * @module
 */

const BYTE_UNITS = ["KiB", "MiB", "GiB", "TiB"] as const;

/**
 * Bytes with a binary unit.
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(showBytes(412), "412 B");
 * assertEquals(showBytes(16_900_000), "16.1 MiB");
 * ```
 */
export function showBytes(bytes: number): string {
  let shown = `${bytes} B`;
  let value = bytes;
  for (const unit of BYTE_UNITS) {
    if (value < 1024) break;
    value /= 1024;
    shown = `${value.toFixed(1)} ${unit}`;
  }
  return shown;
}

/**
 * Milliseconds in the unit that people would choose.
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([84, 2300, 200_000].map(showMs), ["84 ms", "2.3 s", "3 min 20 s"]);
 * ```
 */
export function showMs(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Bytes in so many milliseconds, a second; empty where no time passed. */
export function showRate(bytes: number, ms: number): string {
  return ms > 0 ? `${showBytes(Math.round((bytes / ms) * 1000))}/s` : "";
}

/**
 * A number with its noun.
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(count(1, "page"), "1 page");
 * assertEquals(count(2, "process", "processes"), "2 processes");
 * ```
 */
export function count(n: number, one: string, many: string = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}
