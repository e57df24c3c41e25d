/**
 * Rows of figures under each other.
 *
 * @module
 */

/** `rows` as lines, each column as wide as its widest cell, all cells at the right of theirs. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0))
  );
  return rows.map((row) => row.map((cell, i) => cell.padStart(widths[i] ?? 0)).join("   "));
}
