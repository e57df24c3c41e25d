/**
 * What is mounted where.
 *
 * @module
 */

import { PROC_ROOT, readText } from "./procfs.ts";

/** A mounted file system. */
export interface Mount {
  readonly id: number;
  /** Where it is mounted. */
  readonly point: string;
}

/**
 * The mount on which `path` lies: absolute, without symbolic links, and maybe missing.
 *
 * @param mountinfo The text of /proc/self/mountinfo.
 */
export function mountOf(path: string, mountinfo: string = readMounts()): Mount {
  const above = mountinfo.split("\n").flatMap((line): Mount[] => {
    const fields = line.split(" ");
    const point = unescaped(fields[4] ?? "");
    return point !== "" && contains(point, path) ? [{ id: Number(fields[0]), point }] : [];
  });
  // Of two at one place the later lies over the earlier.
  return above.reduce((best, one) => one.point.length >= best.point.length ? one : best, {
    id: 0,
    point: "/",
  });
}

/** Whether `path` is `directory` or lies below it; both absolute and without symbolic links. */
export function contains(directory: string, path: string): boolean {
  return path === directory || path.startsWith(directory === "/" ? "/" : `${directory}/`);
}

function readMounts(): string {
  return readText(`${PROC_ROOT}/self/mountinfo`) ?? "";
}

/** Blanks and the like are written as octal numbers, of bytes. */
function unescaped(text: string): string {
  return text.replace(
    /\\([0-7]{3})/g,
    (_, digits: string) => String.fromCharCode(parseInt(digits, 8)),
  );
}
