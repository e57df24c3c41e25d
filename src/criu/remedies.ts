/**
 * What to do about the reasons that CRIU gives.
 *
 * @module
 */

const NO_SPACE = /No space left/;

/** Patterns of CRIU's words, 3.17 to 4.2; the first that fits counts. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [/--tcp-established|Connected TCP socket/, "Migrate with --tcp-established or --tcp-close"],
  [
    /slave peer|--shell-job|session leader|controlling terminal/i,
    "Migrate with --shell-job, or start the process without a terminal",
  ],
  [/ghost file/i, "Raise --ghost-limit above the size of the deleted file"],
  [/file locks/i, "Migrate with --file-locks"],
  [/link-remap/i, "Migrate with --link-remap"],
  [/ext-unix-sk|external socket|external unix/i, "Migrate with --ext-unix-sk"],
  [
    /Can't open file .* on restore|Can't open .*No such file/,
    "Put the file on the destination, under the same path",
  ],
  [/has bad (size|mode|build)/, "Make the file the same on both hosts"],
  [
    /Can't fork for \d+: File exists|Pid \d+ do(es)? not match/i,
    "End the process that has this pid on the destination",
  ],
  [/Can't bind .*Address already in use/, "Free the address on the destination"],
  [NO_SPACE, "Make room in the work dir, or name another with --work-dir"],
  [
    /vdso|kerndat|kernel features|on this kernel/i,
    "Install a newer criu: this one does not know this kernel, or name another with --criu",
  ],
  [
    /soft-?dirty|dirty track/i,
    "Migrate with --mode stop-and-copy: this kernel tracks no dirty memory",
  ],
];

/** What to do about `reason`; undefined when nothing is known to help. */
export function remedyFor(reason: string): string | undefined {
  return REMEDIES.find(([pattern]) => pattern.test(reason))?.[1];
}

/** True when `reason` says that a directory is full. */
export function isNoSpace(reason: string): boolean {
  return NO_SPACE.test(reason);
}
