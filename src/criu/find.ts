/**
 * Which criu to drive, and whether it will do.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";

/** A CRIU version; `text` is as people write it. */
export interface CriuVersion {
  readonly major: number;
  readonly minor: number;
  readonly sub: number;
  readonly text: string;
}

/** Older ones lack what the RPC needs: pre-dumps in a loop over a given page socket, WAIT_PID. */
const OLDEST = { major: 3, minor: 17 };
const USUAL_PLACES = ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"];

/**
 * The path of criu: `explicit`, or the first one on PATH and in the usual places.
 *
 * @throws PhaulError `criu-missing`
 */
export async function findCriu(explicit?: string): Promise<string> {
  const folders = [...(Deno.env.get("PATH") ?? "").split(":").filter(Boolean), ...USUAL_PLACES];
  const candidates = explicit === undefined ? folders.map((dir) => `${dir}/criu`) : [explicit];
  for (const path of candidates) if (await isProgram(path)) return path;
  const what = explicit === undefined
    ? "criu is not installed"
    : `there is no program "${explicit}"`;
  throw new PhaulError("criu-missing", `Cannot find CRIU: ${what}`, {
    remedy: 'Install it ("apt-get install criu" on Debian), or name one with --criu',
  });
}

async function isProgram(path: string): Promise<boolean> {
  try {
    const { isFile, mode } = await Deno.stat(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch {
    return false;
  }
}

/**
 * Refuses a CRIU that is too old.
 *
 * @throws PhaulError `criu-too-old`
 */
export function requireCriu(version: CriuVersion): void {
  const { major, minor, text } = version;
  if (major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor)) return;
  throw new PhaulError(
    "criu-too-old",
    `Cannot use CRIU ${text}: it must be ${OLDEST.major}.${OLDEST.minor} or newer`,
    { remedy: "Install a newer criu, or name one with --criu" },
  );
}

/** CRIU dumps pidfds since 4.1. */
export function hasPidfds({ major, minor }: CriuVersion): boolean {
  return major > 4 || (major === 4 && minor >= 1);
}
