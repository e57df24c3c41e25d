/**
 * What CRIU is known to say when it gives up, 3.17 to 4.2, and what to do about it.
 *
 * @module
 */

/** A kind of thing that CRIU says. */
export interface KnownMessage {
  /** Stable; docs/criu-messages.md lists it. */
  readonly id: string;
  /** What it means, as a sentence without a full stop. */
  readonly meaning: string;
  readonly pattern: RegExp;
  readonly remedy: string;
}

const NO_SPACE = /No space left/;

/** The first whose pattern fits counts. Each is provoked in a test, or says there why it cannot be. */
export const KNOWN_MESSAGES: readonly KnownMessage[] = [
  {
    id: "tcp-connection",
    meaning: "The tree has a TCP connection",
    pattern: /--tcp-established|Connected TCP socket/,
    remedy: "Migrate with --tcp-established or --tcp-close",
  },
  {
    id: "terminal",
    meaning: "The tree has a terminal that another process serves",
    pattern: /slave peer|--shell-job|session leader|controlling terminal|dangling tty/i,
    remedy: "Migrate with --shell-job, or start the process without a terminal",
  },
  {
    id: "ghost-file",
    meaning: "A file that is open, deleted and large would have to travel in the images",
    pattern: /ghost file/i,
    remedy: "Raise --ghost-limit above the size of the deleted file",
  },
  {
    id: "file-locks",
    meaning: "The tree holds file locks",
    pattern: /file locks/i,
    remedy: "Migrate with --file-locks",
  },
  {
    id: "link-remap",
    meaning: "An open file has lost the name that it was opened by, and has another",
    pattern: /link-remap/i,
    remedy: "Migrate with --link-remap",
  },
  {
    id: "external-socket",
    meaning: "A unix socket leads to a process outside the tree",
    pattern: /ext-unix-sk|external socket|external unix/i,
    remedy: "Migrate with --ext-unix-sk",
  },
  {
    id: "file-missing",
    meaning: "A file that the tree has open is missing on the destination",
    pattern: /Can't open file .* on restore|Can't open .*No such file/,
    remedy: "Put the file on the destination, under the same path",
  },
  {
    id: "file-differs",
    meaning: "A file that the tree has open is another one on the destination",
    pattern: /has bad (size|mode|build)/,
    remedy: "Make the file the same on both hosts",
  },
  {
    id: "pid-taken",
    meaning: "A pid of the tree is taken on the destination",
    pattern: /Can't fork for \d+: File exists|Pid \d+ do(es)? not match/i,
    remedy: "End the process that has this pid on the destination",
  },
  {
    id: "address-taken",
    meaning: "An address on which the tree listens is taken on the destination",
    pattern: /Can't bind .*Address already in use/,
    remedy: "Free the address on the destination",
  },
  {
    id: "no-space",
    meaning: "The directory of the images is full",
    pattern: NO_SPACE,
    remedy: "Make room in the work dir, or name another with --work-dir",
  },
  {
    id: "kernel-unknown",
    meaning: "This CRIU is older than this kernel, and does not understand it",
    pattern: /vdso|kerndat|kernel features|on this kernel/i,
    remedy: "Install a newer criu: this one does not know this kernel, or name another with --criu",
  },
  {
    id: "dirty-tracking",
    meaning: "This kernel cannot track dirty memory",
    pattern: /soft-?dirty|dirty track|dump tracking/i,
    remedy: "Migrate with --mode stop-and-copy: this kernel tracks no dirty memory",
  },
];

/** What to do about `reason`; undefined when nothing is known to help. */
export function remedyFor(reason: string): string | undefined {
  return KNOWN_MESSAGES.find(({ pattern }) => pattern.test(reason))?.remedy;
}

/** True when `reason` says that a directory is full. */
export function isNoSpace(reason: string): boolean {
  return NO_SPACE.test(reason);
}
