/**
 * Files that move along with a tree, as their source sees them.
 *
 * @module
 */

/** What one step brought. */
export interface FileFigures {
  /** Files that were sent, or parts of them. */
  readonly files: number;
  /** Bytes in these files. */
  readonly bytes: number;
  /** Bytes that travelled for them, both ways. */
  readonly sentBytes: number;
}

/**
 * A way for files to get to the destination. phaul calls its methods in this order, each once but `sync`,
 * and waits for each. One of the first four that throws gives the migration up: the tree runs on where it
 * is. The source's files are not to be changed by any of them but `commit`.
 */
export interface PhaulFiles {
  /** For people and events, such as `tree:/srv/app`. */
  readonly name: string;
  /** The destination is ready; the tree runs. Brings over as much as it can. */
  begin(signal: AbortSignal): Promise<FileFigures | void>;
  /** Between two iterations; the tree runs. */
  sync(signal: AbortSignal): Promise<FileFigures | void>;
  /** Gets ready for `final`, whose time is the tree's downtime; the tree runs. */
  arm?(signal: AbortSignal): Promise<void>;
  /** The tree is frozen: when this resolves, all that it ever wrote is on the destination. */
  final(signal: AbortSignal): Promise<FileFigures | void>;
  /** The tree runs on the destination. What it throws is only told. */
  commit(): Promise<void>;
  /** The tree runs on here. What it throws is only told. */
  abort(): Promise<void>;
  /** Bytes that travelled so far: what does not grow while the tree is frozen is taken for stuck. */
  readonly sentBytes?: number;
}

/** Which files move along, and how. */
export type FileStrategy =
  /** None: both hosts have them. */
  | { readonly kind: "shared" }
  /** What the tree has open, where it is missing or differs on the destination. */
  | { readonly kind: "open" }
  /** A directory, whole; on the destination it becomes `target`. */
  | { readonly kind: "tree"; readonly path: string; readonly target: string }
  /** An operator's program, called at each step. */
  | { readonly kind: "exec"; readonly program: string }
  /** A caller's own way; of the library alone. */
  | { readonly kind: "custom"; readonly files: PhaulFiles };
