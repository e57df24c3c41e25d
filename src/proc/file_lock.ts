/**
 * Who owns a file, as the kernel knows it: the lock goes with its holder's death.
 *
 * @module
 */

import { SyscallError } from "../errors.ts";
import { Errno, type Fd, lockFile, openFile } from "../sys/mod.ts";

/** An exclusive lock on a file. Whoever has it lets go of it, best with `using`. */
export class FileLock implements Disposable {
  readonly #file: Fd;

  private constructor(file: Fd) {
    this.#file = file;
  }

  /**
   * Takes the lock of the file at `path`.
   *
   * @returns undefined when somebody else has it, in this process or another, or there is no such file
   * @throws SyscallError, with the path in its message
   */
  static take(path: string): FileLock | undefined {
    const file = openUnlessMissing(path);
    if (!file) return undefined;
    if (lockFile(file)) return new FileLock(file);
    file.close();
    return undefined;
  }

  /** Lets go of it. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

function openUnlessMissing(path: string): Fd | undefined {
  try {
    return openFile(path, "read");
  } catch (error) {
    if (error instanceof SyscallError && error.errno === Errno.ENOENT) return undefined;
    throw error;
  }
}
