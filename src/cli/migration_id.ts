/**
 * The id of a migration as an argument: `phaul recover ID`.
 *
 * @module
 */

import { type FlagSet, type FlagValues, parseFlags, usageError } from "./flags.ts";

/** The whole id has 32 digits; a few of them tell it from the others of one host. */
const ID = /^[0-9a-f]{4,32}$/;

/**
 * Reads a command line that may name one migration, before its flags, between or behind them.
 *
 * @throws PhaulError `usage`
 */
export function parseWithId<Flags extends FlagSet>(
  command: string,
  flags: Flags,
  args: readonly string[],
): { readonly migration?: string; readonly values: FlagValues<Flags> } {
  let migration: string | undefined;
  const values = parseFlags(command, flags, args, (argument) => {
    if (migration !== undefined) {
      throw usageError(command, `Cannot take "${argument}" as well: one ID is expected`);
    }
    if (!ID.test(argument)) {
      throw usageError(
        command,
        `Cannot use "${argument}": the id of a migration, or its first digits, is expected there`,
      );
    }
    migration = argument;
  });
  return { migration, values };
}
