/**
 * Lines about connections that were refused: a flood of those must not become a flood of lines.
 *
 * @module
 */

const WINDOW_MS = 10_000;
const LINES_IN_WINDOW = 20;

/** Passes the first lines of each window on, and then only how many there were more. */
export class Complaints implements Disposable {
  readonly #tell: (message: string) => void;
  #told = 0;
  #untold = 0;
  #timer: number | undefined;

  /** @param tell Takes a line. */
  constructor(tell: (message: string) => void) {
    this.#tell = tell;
  }

  /** Tells `message`, or counts it. */
  add(message: string): void {
    this.#timer ??= setTimeout(() => this.#endWindow(), WINDOW_MS);
    if (this.#told === LINES_IN_WINDOW) this.#untold++;
    else {
      this.#told++;
      this.#tell(message);
    }
  }

  /** Tells what was only counted so far. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#endWindow();
  }

  #endWindow(): void {
    if (this.#untold > 0) this.#tell(`Refused ${this.#untold} more connections`);
    this.#told = this.#untold = 0;
    this.#timer = undefined;
  }
}
