/**
 * Rows of the tables that no run of the model takes, each with the reason why it is written all the same.
 */

const REASONS: Readonly<Record<string, readonly string[]>> = {
  "a CRIU that dies while the tree is being stopped makes stop-tree fail, which is taken first": [
    "source intended criu-ended",
  ],
  "the role waits for the death once": ["source handing-over dead"],
  "the event of the recovery waits already when the role is opened": [
    "source reopened cancel",
    "destination reopened iteration, prepare, commit, abort, force-source, force-destination",
    "destination reopened cancel, peer-lost",
  ],
  "the tree is watched from PREPARED on, and dies once": [
    "destination restoring tree-lost",
    "destination lost tree-lost",
    "destination running tree-lost",
    "destination discarded tree-lost",
  ],
  "a tree that may have run is not watched": ["destination uncertain tree-lost"],
  "no work of that kind is left when the state is reached": [
    "destination discarding written",
    "destination uncertain restored",
    "destination running restored, written, cleared",
    "destination discarded restored, written, continued, cleared",
    "destination stranded written, continued, cleared",
  ],
};

/** The rows, as `side state event`. */
export const UNREACHED: readonly string[] = Object.values(REASONS).flat().flatMap((row) => {
  const [side, state, ...events] = row.split(/,? /);
  return events.map((event) => `${side} ${state} ${event}`);
}).sort();
