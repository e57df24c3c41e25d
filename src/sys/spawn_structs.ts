/**
 * The two structs that tell posix_spawn what to do between fork and exec.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { Fd } from "./fd.ts";
import { type Bytes, cString, opaqueSpawnStruct, signalSet } from "./layouts.ts";
import { libc } from "./libc.ts";
import { checkCode } from "./syscall.ts";

const SETSIGDEF = 0x04;
const SETSIGMASK = 0x08;
const SETSID = 0x80;
const O_RDWR = 2;

/** The lowest descriptor that is not stdin, stdout or stderr. */
export const FIRST_FREE_FD = 3;

/** `posix_spawn_file_actions_t`: steps that the child takes in the order they were added. */
export class FileActions implements Disposable {
  readonly bytes: Bytes = opaqueSpawnStruct();

  constructor() {
    checkCode("posix_spawn_file_actions_init", libc().posix_spawn_file_actions_init(this.bytes));
  }

  /** Makes `source` the child's descriptor `target`. */
  stdio(target: 0 | 1 | 2, source: Fd | "null" | "inherit"): void {
    if (source === "inherit") return;
    if (source === "null") this.#open(target, "/dev/null");
    else this.#dup2(clearOfStdio(source), target);
  }

  /** Lets `fd` through. A dup2 onto itself clears close-on-exec, in the child only (glibc 2.29). */
  keep(fd: Fd): void {
    const raw = clearOfStdio(fd);
    this.#dup2(raw, raw);
  }

  /** Closes `raw` in the child. */
  close(raw: number): void {
    const code = libc().posix_spawn_file_actions_addclose(this.bytes, raw);
    checkCode("posix_spawn_file_actions_addclose", code);
  }

  /** Goes to `path`. */
  chdir(path: string): void {
    const code = libc().posix_spawn_file_actions_addchdir_np(this.bytes, cString(path));
    checkCode("posix_spawn_file_actions_addchdir_np", code);
  }

  /** Frees what libc allocated. */
  [Symbol.dispose](): void {
    libc().posix_spawn_file_actions_destroy(this.bytes);
  }

  #dup2(from: number, to: number): void {
    const code = libc().posix_spawn_file_actions_adddup2(this.bytes, from, to);
    checkCode("posix_spawn_file_actions_adddup2", code);
  }

  #open(target: number, path: string): void {
    const name = cString(path);
    const code = libc().posix_spawn_file_actions_addopen(this.bytes, target, name, O_RDWR, 0);
    checkCode("posix_spawn_file_actions_addopen", code);
  }
}

/** A descriptor below 3 would be overwritten by the child's own stdin, stdout or stderr. */
function clearOfStdio(fd: Fd): number {
  if (fd.raw >= FIRST_FREE_FD) return fd.raw;
  throw new PhaulError(
    "internal",
    `Cannot pass descriptor ${fd.raw} to a child: duplicate it first`,
  );
}

/** `posix_spawnattr_t`: default signals, none blocked, a session of its own when wanted. */
export class SpawnAttributes implements Disposable {
  readonly bytes: Bytes = opaqueSpawnStruct();

  constructor(newSession: boolean) {
    const c = libc();
    checkCode("posix_spawnattr_init", c.posix_spawnattr_init(this.bytes));
    // The runtime ignores SIGPIPE, and phaul's parent may ignore or block more; a child inherits both.
    const flags = SETSIGDEF | SETSIGMASK | (newSession ? SETSID : 0);
    checkCode("posix_spawnattr_setflags", c.posix_spawnattr_setflags(this.bytes, flags));
    const defaults = c.posix_spawnattr_setsigdefault(this.bytes, signalSet("all"));
    checkCode("posix_spawnattr_setsigdefault", defaults);
    const mask = c.posix_spawnattr_setsigmask(this.bytes, signalSet("none"));
    checkCode("posix_spawnattr_setsigmask", mask);
  }

  /** Frees what libc allocated. */
  [Symbol.dispose](): void {
    libc().posix_spawnattr_destroy(this.bytes);
  }
}
