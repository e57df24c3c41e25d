/**
 * The criu that a source drives: its own child, or the worker of a service.
 *
 * @module
 */

import { CriuSession, type Fd, findCriu } from "../criu/mod.ts";
import type { CriuChoice } from "./options.ts";

/**
 * Opens a session with it, which is the caller's.
 *
 * @param inherit Open in criu under the same numbers; a service can have none.
 * @throws PhaulError `criu-missing`, `criu-failed`; SyscallError
 */
export async function openSession(
  { criuPath, criuService }: CriuChoice,
  inherit: readonly Fd[] = [],
): Promise<CriuSession> {
  return criuService === undefined
    ? CriuSession.start(await findCriu(criuPath), { inherit })
    : await CriuSession.attach(criuService);
}

/**
 * Where it is, and which version.
 *
 * @throws as {@linkcode openSession}; CriuError
 */
export async function foundCriu(
  { criuPath, criuService }: CriuChoice,
): Promise<{ readonly path: string; readonly version: string }> {
  const path = criuService ?? await findCriu(criuPath);
  using session = await openSession({ criuPath: path, criuService });
  return { path, version: (await session.version()).text };
}
