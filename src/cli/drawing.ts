/**
 * Lines at the end of what is told, drawn anew in place.
 *
 * @module
 */

import { createLogUpdate } from "log-update";
import type { Terminal } from "./terminal.ts";

/** More would not fit a low terminal, where what has scrolled away could not be drawn over. */
const MAX_LINES = 8;

/** Lines of a terminal that can be redrawn. */
export class Drawing {
  readonly #render: ReturnType<typeof createLogUpdate>;
  #drawn = false;

  constructor(terminal: Terminal) {
    // All of a stream that is asked for.
    const stream = {
      write(text: string) {
        terminal.err(text);
        return true;
      },
      get columns() {
        return terminal.columns();
      },
      isTTY: true,
    };
    // With the cursor hidden, a phaul that is killed would leave a shell without one.
    this.#render = createLogUpdate(stream as unknown as Parameters<typeof createLogUpdate>[0], {
      showCursor: true,
    });
  }

  /** Shows `lines` instead of those that were shown before; none may be wider than the terminal. */
  show(lines: readonly string[]): void {
    if (lines.length === 0) return this.clear();
    const more = lines.length - MAX_LINES;
    const shown = more > 0 ? [...lines.slice(0, MAX_LINES), `and ${more} more`] : lines;
    this.#render(shown.join("\n"));
    this.#drawn = true;
  }

  /** Takes them away: what is told next stays in their place. */
  clear(): void {
    if (this.#drawn) this.#render.clear();
    this.#drawn = false;
  }
}
