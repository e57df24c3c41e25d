/**
 * Where a destination lets files be put: what a source asks for is held against what the operator allowed.
 *
 * @module
 */

import { PhaulError } from "../../errors.ts";
import type { Finding } from "../../check/mod.ts";
import {
  contains,
  entryKey,
  isKernelPath,
  lookAt,
  mountOf,
  parentOf,
  stepsTo,
} from "../../proc/mod.ts";
import type { FileMoves } from "../../wire/mod.ts";
import type { ServeOptions } from "../options.ts";
import { DEFAULT_WORK_DIR } from "../work_dir.ts";
import { folderOf } from "./placement.ts";

/** What a destination allows. */
export interface TargetPolicy {
  /** Directories that may be replaced or made, and all below them; without symbolic links. */
  readonly allowed: readonly string[];
  /** Where phaul keeps its own things: nothing goes there, and nothing that holds them is moved. */
  readonly own: readonly string[];
  /** Where what comes is kept until it is put in place, if that is on the same file system. */
  readonly stateDir: string;
}

/** Where an area keeps what comes for paths of one file system. */
export interface Staging {
  /** Of all that is kept there. */
  readonly dir: string;
  /** Below it lies what comes, under the paths where it is to go. */
  readonly root: string;
}

/** What the operator of a destination said. */
export async function policyOf(
  { stateDir, workDir = DEFAULT_WORK_DIR, allowedPaths = [] }: Pick<
    ServeOptions,
    "stateDir" | "workDir" | "allowedPaths"
  >,
): Promise<TargetPolicy> {
  const real = (path: string) => Deno.realPath(path).catch(() => path.replace(/(?<=.)\/+$/, ""));
  const state = await real(stateDir);
  const allowed = await Promise.all(allowedPaths.map(real));
  return { allowed, own: [state, await real(workDir)], stateDir: state };
}

/** A path as it is written in one way only. */
export function isPlainPath(path: string): boolean {
  return path !== "/" && path === `/${path.split("/").filter((name) => name !== "").join("/")}` &&
    !path.split("/").some((name) => name === "." || name === "..");
}

/**
 * Refuses a path at which nothing may be put, whoever asks.
 *
 * @throws PhaulError `path-refused`
 */
export function requireUsable(path: string, { own }: TargetPolicy): void {
  if (!isPlainPath(path)) {
    throw refused(path, "it is not written as an absolute path without . and ..");
  }
  if (isKernelPath(path)) throw refused(path, "it belongs to the kernel");
  const mine = own.find((one) => contains(one, path) || contains(path, one));
  if (mine !== undefined) throw refused(path, `phaul keeps its own files in "${mine}"`);
  const above = stepsTo(parentOf(path)).map((step) => [step, lookAt(step)] as const);
  const odd = above.find(([, info]) => info !== undefined && !info.isDirectory);
  if (odd === undefined) return;
  throw refused(path, `"${odd[0]}" is a ${odd[1]?.isSymlink ? "symbolic link" : "file"} there`);
}

/**
 * Refuses a path that the operator has not allowed.
 *
 * @throws PhaulError `path-refused`
 */
export function requireAllowed(path: string, policy: TargetPolicy): void {
  requireUsable(path, policy);
  if (policy.allowed.some((one) => contains(one, path))) return;
  throw new PhaulError(
    "path-refused",
    `Cannot put files at "${path}": this destination allows nothing there`,
    { remedy: `Start phaul serve there with --allow-path ${path}, or with a directory above it` },
  );
}

/**
 * Refuses a directory that cannot be put in place as a whole.
 *
 * @throws PhaulError `path-refused`; `file-differs` when something is there and may not be replaced
 */
export function requireTarget(path: string, overwrite: boolean, policy: TargetPolicy): void {
  requireAllowed(path, policy);
  const info = lookAt(path);
  if (info === undefined) return;
  if (mountOf(path).point === path) {
    throw refused(path, "it is a mount point, which cannot be replaced; name directories in it");
  }
  if (overwrite) return;
  throw new PhaulError("file-differs", `Cannot put files at "${path}": something is there`, {
    remedy: "Move it away, or migrate with --overwrite, which replaces it at the commit",
  });
}

/** What of `moves` this destination refuses; of a peer's check. */
export function findTargets(moves: FileMoves, policy: TargetPolicy): Finding[] {
  return moves.trees.flatMap(({ target }): Finding[] => {
    try {
      requireTarget(target, moves.overwrite, policy);
      return [];
    } catch (error) {
      if (!(error instanceof PhaulError)) throw error;
      const { message, remedy } = error;
      const code = error.code === "file-differs" ? error.code : "files-refused";
      return [{
        code,
        severity: "blocker",
        message: uncapitalised(message),
        remedy,
      }];
    }
  });
}

/** Where what is to go to `path` can be kept, so that a rename puts it in place. */
export function stagingFor(path: string, name: string, { stateDir }: TargetPolicy): Staging {
  const above = stepsTo(parentOf(path)).findLast((step) => lookAt(step) !== undefined) ?? "/";
  const home = folderOf(stateDir);
  const dir = isTogether(above, stateDir)
    ? `${home}/cache/${name}`
    : `${above === "/" ? "" : above}/.phaul-files/${name}`;
  // It becomes a line of rsync's configuration.
  if (/[\p{Cc}%\\]/u.test(dir)) throw refused(path, `rsync cannot work in "${dir}"`);
  return { dir, root: `${dir}/root` };
}

/** Of the path `target`, the first part that is missing here; itself when nothing above it is. */
export function firstMissing(target: string): string {
  return stepsTo(target).find((step) => lookAt(step) === undefined) ?? target;
}

/** A rename from one to the other is possible. */
function isTogether(one: string, other: string): boolean {
  const device = (path: string) => entryKey(path)?.split(":")[0];
  return mountOf(one).id === mountOf(other).id && device(one) === device(other);
}

function refused(path: string, why: string): PhaulError {
  return new PhaulError("path-refused", `Cannot put files at "${path}": ${why}`, {
    remedy: "Name another place there: --fs tree:PATH:DEST",
  });
}

function uncapitalised(message: string): string {
  return message.replace(/^C/, "c");
}
