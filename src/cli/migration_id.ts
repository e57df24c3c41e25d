/**
 * The id of a migration as an argument: `phaul recover ID`.
 *
 * @module
 */

import { usageError } from "./flags.ts";

/** The whole id has 32 digits; a few of them tell it from the others of one host. */
const ID = /^[0-9a-f]{4,32}$/;

/** Takes the id off the front of `args`, where there is one. */
export function splitMigrationId(
  command: string,
  args: readonly string[],
): { readonly migration?: string; readonly rest: readonly string[] } {
  const [first, ...rest] = args;
  if (first === undefined || first.startsWith("-")) return { rest: args };
  if (ID.test(first)) return { migration: first, rest };
  throw usageError(
    command,
    `Cannot use "${first}": the id of a migration, or its first digits, is expected there`,
  );
}
