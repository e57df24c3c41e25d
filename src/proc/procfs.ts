/**
 * Reads /proc. A process may end between any two reads: what is gone reads as undefined.
 *
 * Every function takes the place where proc is mounted, so that tests can show it cases that no real
 * host should be brought into.
 *
 * @module
 */

/** Where proc is mounted. */
export const PROC_ROOT = "/proc";

/** The fields of /proc/PID/stat that phaul needs. */
export interface ProcStat {
  readonly pid: number;
  readonly comm: string;
  /** The kernel's letter: R, S, D, T (stopped), t (traced), Z, X, I. */
  readonly state: string;
  readonly parentPid: number;
  readonly processGroup: number;
  readonly session: number;
  /** Device number of the controlling terminal; 0 for none. */
  readonly ttyDevice: number;
  /** PF_* of the kernel. */
  readonly flags: number;
  /** Kept as text: it is compared, never counted with. */
  readonly startTimeTicks: string;
}

/** The fields of /proc/PID/status that phaul needs. */
export interface ProcStatus {
  /** The process that the id belongs to: another one when the id is a thread's. */
  readonly threadGroup: number;
  /** 0 when nobody traces it. */
  readonly tracerPid: number;
  /** Its pid in each pid namespace, the innermost last. */
  readonly nsPids: readonly number[];
  /** Its session id in each pid namespace, the innermost last. */
  readonly nsSessions: readonly number[];
  /** Resident anonymous and shared memory. */
  readonly residentBytes: number;
}

/** ESRCH is no class of its own in Deno: it shows in the message only. */
function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    error instanceof Error && error.message.includes("(os error 3)");
}

/** `read()`, or undefined when what it reads is gone. */
export function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** The text of a file; undefined when it or its process is gone. */
export function readText(path: string): string | undefined {
  return unlessGone(() => Deno.readTextFileSync(path));
}

/** The target of a link; undefined when it or its process is gone. */
export function readLink(path: string): string | undefined {
  return unlessGone(() => Deno.readLinkSync(path));
}

/** What `path` leads to; undefined when it is gone or cannot be reached. */
export function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined;
  }
}

/** Names in a directory; none when it is gone. */
export function listNames(path: string): string[] {
  return unlessGone(() => Array.from(Deno.readDirSync(path), (entry) => entry.name)) ?? [];
}

/** Names in a directory that are numbers, ascending; none when it is gone. */
export function listNumbers(path: string): number[] {
  return listNames(path).filter((name) => /^\d+$/.test(name)).map(Number).sort((a, b) => a - b);
}

/** /proc/PID/stat, or undefined when there is no such process (or thread). */
export function readStat(pid: number, procRoot: string = PROC_ROOT): ProcStat | undefined {
  const text = readText(`${procRoot}/${pid}/stat`);
  return text === undefined ? undefined : parseStat(text);
}

/** Parses a line of stat; undefined when it is none. The comm may hold blanks and brackets itself. */
export function parseStat(text: string): ProcStat | undefined {
  const open = text.indexOf(" (");
  const close = text.lastIndexOf(") ");
  if (open < 0 || close < open) return undefined;
  const fields = text.slice(close + 2).trim().split(" ");
  const [state, parent, group, session, tty, , flags] = fields;
  const startTimeTicks = fields[19];
  if (state === undefined || startTimeTicks === undefined) return undefined;
  return {
    pid: Number(text.slice(0, open)),
    comm: text.slice(open + 2, close),
    state,
    parentPid: Number(parent),
    processGroup: Number(group),
    session: Number(session),
    ttyDevice: Number(tty),
    flags: Number(flags),
    startTimeTicks,
  };
}

/** /proc/PID/status, or undefined when there is no such process (or thread). */
export function readStatus(pid: number, procRoot: string = PROC_ROOT): ProcStatus | undefined {
  const text = readText(`${procRoot}/${pid}/status`);
  if (text === undefined) return undefined;
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const numbers = (key: string) => (fields.get(key) ?? "").split(/\s+/).filter(Boolean).map(Number);
  const bytes = (key: string) => parseInt(fields.get(key) ?? "0", 10) * 1024;
  return {
    threadGroup: numbers("Tgid")[0] ?? pid,
    tracerPid: numbers("TracerPid")[0] ?? 0,
    nsPids: numbers("NSpid"),
    nsSessions: numbers("NSsid"),
    residentBytes: bytes("RssAnon") + bytes("RssShmem"),
  };
}

/** The arguments of a process; none for a zombie or a kernel thread. */
export function readArguments(pid: number, procRoot: string = PROC_ROOT): string[] {
  return (readText(`${procRoot}/${pid}/cmdline`) ?? "").split("\0").filter((text) => text !== "");
}
