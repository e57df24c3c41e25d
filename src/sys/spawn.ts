/**
 * Starting child processes with exactly the descriptors they are given.
 *
 * @module
 */

import { Child } from "./child.ts";
import { Errno } from "./errno.ts";
import type { Fd } from "./fd.ts";
import { cString, cStringArray, IntCell } from "./layouts.ts";
import { libc } from "./libc.ts";
import { FileActions, FIRST_FREE_FD, SpawnAttributes } from "./spawn_structs.ts";
import { checkCode, checkExcept } from "./syscall.ts";

const F_GETFD = 1;
const FD_CLOEXEC = 1;

/** What to start, and how. */
export interface SpawnOptions {
  /** A path, or a name that is looked up in PATH. */
  readonly command: string;
  /** Without the command itself. */
  readonly args: readonly string[];
  /** The whole environment of the child; this process's when left out. */
  readonly env?: Readonly<Record<string, string>>;
  /** Appear in the child under the same numbers. The caller still owns them. */
  readonly inherit?: readonly Fd[];
  /** `null` (/dev/null) when left out, and so for the next two. The caller still owns the `Fd`. */
  readonly stdin?: Fd | "null";
  readonly stdout?: Fd | "null" | "inherit";
  readonly stderr?: Fd | "null" | "inherit";
  /** Makes the child the leader of a session of its own, out of reach of Ctrl-C and a hang-up. */
  readonly newSession?: boolean;
  /** Where the child starts; a relative command is looked up from there. */
  readonly cwd?: string;
}

/**
 * Starts a child with default signal dispositions, nothing blocked, and no descriptor but those named.
 * The caller owns the child.
 *
 * @throws SyscallError, with the command in its message: ENOENT, EACCES, ...
 */
export function spawn(options: SpawnOptions): Child {
  const { command, args } = options;
  const env = Object.entries(options.env ?? Deno.env.toObject());
  using actions = new FileActions();
  describeFiles(actions, options);
  using attributes = new SpawnAttributes(options.newSession ?? false);
  const pid = new IntCell();
  const code = libc().posix_spawnp(
    pid.bytes,
    cString(command),
    actions.bytes,
    attributes.bytes,
    cStringArray([command, ...args]),
    cStringArray(env.map(([name, value]) => `${name}=${value}`)),
  );
  checkCode(`start '${command}'`, code);
  return Child.own(pid.value);
}

function describeFiles(actions: FileActions, options: SpawnOptions): void {
  const inherit = options.inherit ?? [];
  actions.stdio(0, options.stdin ?? "null");
  actions.stdio(1, options.stdout ?? "null");
  actions.stdio(2, options.stderr ?? "null");
  for (const fd of inherit) actions.keep(fd);
  const kept = new Set(inherit.map((fd) => fd.raw));
  for (const raw of strayFds()) if (!kept.has(raw)) actions.close(raw);
  if (options.cwd !== undefined) actions.chdir(options.cwd);
}

/**
 * Descriptors from 3 that would pass through an exec. All that phaul and the runtime open are
 * close-on-exec; these are what phaul's own parent left open.
 */
function strayFds(): number[] {
  const open = [...Deno.readDirSync("/proc/self/fd")].map((entry) => Number(entry.name));
  return open.filter((raw) => raw >= FIRST_FREE_FD && passesExec(raw));
}

function passesExec(raw: number): boolean {
  // EBADF: the descriptor by which the directory was read.
  const flags = checkExcept("fcntl", [Errno.EBADF], libc().fcntl(raw, F_GETFD, 0));
  return typeof flags === "number" && (flags & FD_CLOEXEC) === 0;
}
