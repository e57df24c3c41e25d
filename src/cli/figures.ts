/**
 * Numbers as people read them.
 *
 * @module
 */

const BYTE_UNITS = ["KiB", "MiB", "GiB", "TiB"] as const;

/** Bytes with a binary unit: `412 B`, `16.1 MiB`. */
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

/** Milliseconds as `84 ms`, `2.3 s` or `3 min 20 s`. */
export function showMs(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** `1 page`, `2 pages`. */
export function count(n: number, one: string, many: string = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}
