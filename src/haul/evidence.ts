/**
 * Where the logs of a migration are once its images are gone.
 *
 * @module
 */

import { type Evidence, PhaulError } from "../errors.ts";

/** A log of an iteration, below the directory of a migration's images. */
const LOG = /\/([0-9a-f]{32})-(?:source|destination)\/([^/]+)\/([^/]+\.log)$/;

/** Where logs are kept. */
export function logsDirOf(stateDir: string): string {
  return `${stateDir}/logs`;
}

/** The name of a kept log, by where it lies during the migration; undefined for what is no such log. */
export function keptLogName(path: string): string | undefined {
  const [, migration, iteration, file] = LOG.exec(path) ?? [];
  return migration === undefined ? undefined : `${migration}-${iteration}-${file}`;
}

/** What was written about `error`, with the place where the log will be kept. */
function keptEvidence(error: PhaulError, stateDir: string): Evidence | undefined {
  const { evidence } = error;
  const name = evidence?.log === undefined ? undefined : keptLogName(evidence.log);
  // The peer has said where it keeps its own.
  if (!evidence || evidence.remote || name === undefined) return evidence;
  return { ...evidence, log: `${logsDirOf(stateDir)}/${name}` };
}

/** `error`, for whoever reads it when the images are gone. */
export function withKeptLog(error: PhaulError, stateDir: string): PhaulError {
  if (error.evidence?.log === undefined) return error;
  const { code, message, remedy } = error;
  const evidence = keptEvidence(error, stateDir);
  return new PhaulError(code, message, { remedy, cause: error, evidence });
}
