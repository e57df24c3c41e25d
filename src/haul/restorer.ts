/**
 * The criu that restores: phaul's own, or one that a service manager starts outside of phaul's service.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { CriuSession, type CriuVersion } from "../criu/mod.ts";
import { confinements } from "../proc/mod.ts";

/** Where restoring criu processes come from. */
export interface RestorerOptions {
  readonly criuPath: string;
  /** The socket behind which each connection finds a criu of its own. */
  readonly criuSocket?: string;
}

/**
 * Starts a criu for one restore, in no service's cgroup. Whoever gets it closes it.
 *
 * @throws SyscallError; PhaulError `criu-missing`, `criu-failed`, `destination-unfit`
 */
export async function startRestorer(options: RestorerOptions): Promise<CriuSession> {
  const { criuPath, criuSocket } = options;
  if (criuSocket !== undefined) return await CriuSession.connect(criuSocket);
  return CriuSession.start(criuPath, { moveToRootCgroup: true });
}

/** What a restorer is found to be. */
export interface Restorer {
  /** What trees that are restored here would lack. */
  readonly warnings: readonly string[];
  /** It can restore a tree whose memory is filled in afterwards. */
  readonly lazyPages: boolean;
}

/**
 * Tries the restorer.
 *
 * @param version Of phaul's own criu.
 * @throws PhaulError as {@linkcode startRestorer}, `version-mismatch`
 */
export async function examineRestorer(
  options: RestorerOptions,
  version: CriuVersion,
): Promise<Restorer> {
  const { criuPath, criuSocket } = options;
  if (criuSocket === undefined) {
    using session = CriuSession.start(criuPath);
    const { lazyPages } = await session.features();
    return { warnings: confinements(), lazyPages };
  }
  await using session = await startRestorer(options);
  const found = await session.version();
  // It may keep what it learns of the kernel in /run. A criu of phaul's own could not, nor learn it all.
  const { lazyPages } = await session.features();
  if (found.text === version.text) return { warnings: confinements(session.pid), lazyPages };
  throw new PhaulError(
    "version-mismatch",
    `Cannot restore by CRIU ${found.text} (at "${criuSocket}") beside CRIU ${version.text} ` +
      `("${criuPath}")`,
    { remedy: "Have --criu and phaul-criu@.service name the same criu" },
  );
}
