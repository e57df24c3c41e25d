/**
 * Tables in Markdown, as the formatter wants them.
 *
 * @module
 */

/** A table; the first row is its head, and every row has as many cells. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  if (rows.some((row) => row.length !== head.length)) throw new Error("Rows of unequal length");
  const widths = head.map((_, column) =>
    Math.max(3, ...rows.map((row) => row[column]?.length ?? 0))
  );
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(head), rule, ...body.map(line)].join("\n");
}

/** Names as code, separated by commas. */
export function codes(names: Iterable<string>): string {
  return [...names].map((name) => `\`${name}\``).join(", ");
}
