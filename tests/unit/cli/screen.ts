/**
 * What a person sees on a terminal to which something was written.
 *
 * @module
 */

/** Text, or one of the controls that a terminal is expected to be given. */
// deno-lint-ignore no-control-regex
const PARTS = /\x1b\[(\??)(\d*)([A-Za-z])|[\r\n]|[^\x1b\r\n]+|\x1b/g;

/** The lines of an endless screen, without empty ones at its end; throws at a control that it lacks. */
export function screenOf(written: string): string[] {
  const lines: string[] = [""];
  let [row, column] = [0, 0];
  const rest = (from: number) => (lines[row] ?? "").slice(0, from);
  for (const [part, mode, count, control] of written.matchAll(PARTS)) {
    if (part === "\r") column = 0;
    else if (part === "\n") [row, column] = [row + 1, 0];
    else if (control === undefined) {
      if (part === "\x1b") throw new Error("an escape that is none");
      lines[row] = rest(column).padEnd(column) + part +
        (lines[row] ?? "").slice(column + part.length);
      column += part.length;
    } else if (mode === "?") continue;
    else if (control === "A") row = Math.max(0, row - Number(count || 1));
    else if (control === "B") row += Number(count || 1);
    else if (control === "G") column = Number(count || 1) - 1;
    else if (control === "K") lines[row] = count === "2" ? "" : rest(column);
    else throw new Error(`an unknown control: ${JSON.stringify(part)}`);
    while (lines.length <= row) lines.push("");
  }
  while (lines.at(-1) === "") lines.pop();
  return lines;
}
