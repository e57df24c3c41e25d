/**
 * The victim's process tree: as /proc lists it, and as pidfds hold it.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { TreeProcess } from "./listing.ts";

export { listTree, type TreeProcess } from "./listing.ts";

/** A process tree held by one pidfd per process, so that a recycled pid is never signalled. */
export class ProcessTree implements Disposable {
  readonly rootPid: number;

  private constructor(rootPid: number) {
    this.rootPid = rootPid;
  }

  /** Opens the tree below `rootPid`. */
  static open(rootPid: number): ProcessTree {
    return new ProcessTree(rootPid);
  }

  /** The processes held, root first, ancestors before descendants. */
  get processes(): readonly TreeProcess[] {
    throw new PhaulError("internal", "Not written yet");
  }

  /** SIGSTOP to every process, until a new listing shows none that was not stopped. */
  stop(): Promise<void> {
    throw new PhaulError("internal", "Not written yet");
  }

  /** SIGCONT, descendants before ancestors, except those stopped before (by pid in their own namespace). */
  continue(_stoppedNsPids: ReadonlySet<number>): void {
    throw new PhaulError("internal", "Not written yet");
  }

  /** SIGKILL, descendants before ancestors; dead ones are skipped. */
  kill(): void {
    throw new PhaulError("internal", "Not written yet");
  }

  /** Resolves when every process of the tree is gone (an unreaped zombie is gone). */
  exited(_signal?: AbortSignal): Promise<void> {
    throw new PhaulError("internal", "Not written yet");
  }

  /** Resolves when the root is gone. */
  rootExited(_signal?: AbortSignal): Promise<void> {
    throw new PhaulError("internal", "Not written yet");
  }

  /** Closes the pidfds; the processes are left as they are. */
  close(): void {}

  [Symbol.dispose](): void {
    this.close();
  }
}
