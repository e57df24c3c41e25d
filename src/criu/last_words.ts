/**
 * What a criu prints when it cannot even begin: a library that is missing, an option it does not know.
 *
 * @module
 */

import { type Fd, openFile } from "../sys/mod.ts";

const MAX_BYTES = 64 * 1024;

/** A file without a name that a child prints to. Its owner closes it. */
export class LastWords implements Disposable {
  /** For the child's stdout and stderr; closed once the child has it. */
  readonly childEnd: Fd;
  readonly #file: Deno.FsFile;

  private constructor(childEnd: Fd, file: Deno.FsFile) {
    this.childEnd = childEnd;
    this.#file = file;
  }

  /** Undefined where no temporary file can be made: the words are nice to have, no more. */
  static open(): LastWords | undefined {
    let path: string | undefined;
    try {
      path = Deno.makeTempFileSync({ prefix: "phaul-criu-" });
      const file = Deno.openSync(path, { read: true });
      try {
        return new LastWords(openFile(path, "append"), file);
      } catch (error) {
        file.close();
        throw error;
      }
    } catch {
      return undefined;
    } finally {
      if (path !== undefined) Deno.removeSync(path);
    }
  }

  /** The last line that was printed; undefined when there is none. */
  lastLine(): string | undefined {
    const buffer = new Uint8Array(MAX_BYTES);
    const from = Math.max(0, this.#file.statSync().size - MAX_BYTES);
    this.#file.seekSync(from, Deno.SeekMode.Start);
    const count = this.#file.readSync(buffer) ?? 0;
    const lines = new TextDecoder().decode(buffer.subarray(0, count)).split("\n");
    return lines.map((line) => line.trim()).findLast((line) => line !== "");
  }

  [Symbol.dispose](): void {
    this.childEnd.close();
    this.#file.close();
  }
}
