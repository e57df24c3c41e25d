/**
 * Checks that this host can take in a tree: pids free, files present and alike.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { FileFact } from "./files.ts";

/** What a tree needs on the host that takes it in. */
export interface DestinationNeeds {
  /** Pids of the tree in its innermost pid namespace. */
  readonly pids: readonly number[];
  readonly files: readonly FileFact[];
  /** The tree brings its own pid namespace, so its pids cannot clash. */
  readonly ownPidNamespace: boolean;
}

/** Checks this host against `needs`. */
export function checkDestination(_needs: DestinationNeeds): Promise<void> {
  throw new PhaulError("internal", "Not written yet");
}
