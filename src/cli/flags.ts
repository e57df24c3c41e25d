/**
 * Flags: described once, for parsing and for the help alike.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { splitArguments } from "./parse_args.ts";

/** A flag whose values, or whose presence, make a `T`. */
export interface Flag<T> {
  /** Without the dashes. */
  readonly name: string;
  /** One line for the help. */
  readonly help: string;
  /** What stands for the value in the help; absent for a switch. */
  readonly placeholder?: string;
  /** The default as the help shows it. */
  readonly shownDefault?: string;
  readonly required: boolean;
  /** May be given more than once. */
  readonly repeated: boolean;
  /** All texts that are values, where those are few. */
  readonly choices?: readonly string[];
  /** Makes the value of the texts that were given: none for a flag that is absent or a switch. */
  readonly read: (texts: readonly string[], given: boolean) => T;
}

/** The flags of a command, by the property that each becomes. */
export type FlagSet = Readonly<Record<string, Flag<unknown>>>;

/** What the flags of a command make. */
export type FlagValues<Flags extends FlagSet> = {
  readonly [Key in keyof Flags]: Flags[Key] extends Flag<infer T> ? T : never;
};

/** Turns the text behind a flag into its value; throws {@linkcode ValueError} for a bad one. */
export type Reader<T> = ((text: string) => T) & { readonly choices?: readonly string[] };

/** Why a text is no value for a flag: "it is not a whole number". Never leaves {@linkcode parseFlags}. */
export class ValueError extends Error {
  override readonly name = "ValueError";
}

interface Described {
  readonly name: string;
  readonly help: string;
}

interface Valued<T> extends Described {
  readonly placeholder: string;
  readonly read: Reader<T>;
}

/** A flag that must be given. */
export function required<T>(flag: Valued<T>): Flag<T> {
  // The parser refuses a required flag without a text before it asks for the value.
  return {
    ...flag,
    choices: flag.read.choices,
    required: true,
    repeated: false,
    read: ([text = ""]) => flag.read(text),
  };
}

/** A flag with a default, which the help shows. */
export function optional<T>(
  flag: Valued<T> & { readonly fallback: T; readonly shownDefault: string },
): Flag<T> {
  return {
    ...flag,
    choices: flag.read.choices,
    required: false,
    repeated: false,
    read: ([text]) => text === undefined ? flag.fallback : flag.read(text),
  };
}

/** A flag that may be left out; its value is undefined then. */
export function maybe<T>(flag: Valued<T>): Flag<T | undefined> {
  return {
    ...flag,
    choices: flag.read.choices,
    required: false,
    repeated: false,
    read: ([text]) => text === undefined ? undefined : flag.read(text),
  };
}

/** A flag that may be given any number of times. */
export function list<T>(flag: Valued<T>): Flag<readonly T[]> {
  return {
    ...flag,
    choices: flag.read.choices,
    required: false,
    repeated: true,
    read: (texts) => texts.map((text) => flag.read(text)),
  };
}

/** A flag without a value. */
export function toggle(flag: Described): Flag<boolean> {
  return { ...flag, required: false, repeated: false, read: (_texts, given) => given };
}

/** The error for a command line that cannot be understood. */
export function usageError(command: string, message: string): PhaulError {
  const topic = command === "" ? "" : ` ${command}`;
  return new PhaulError("usage", message, { remedy: `See "phaul help${topic}"` });
}

/**
 * Reads the command line of `command`.
 *
 * @param takeArgument Given each argument that is no flag; there may be none unless given.
 * @throws {PhaulError} "usage", naming the flag and the command that helps.
 */
export function parseFlags<Flags extends FlagSet>(
  command: string,
  flags: Flags,
  args: readonly string[],
  takeArgument?: (argument: string) => void,
): FlagValues<Flags> {
  const all = Object.values(flags);
  const switches = all.filter((flag) => flag.placeholder === undefined).map((flag) => flag.name);
  refuseOddSwitches(command, switches, args);
  const found = splitArguments(args, {
    switches,
    valued: all.filter((flag) => flag.placeholder !== undefined).map((flag) => flag.name),
    onUnknown: (argument) => {
      if (argument.startsWith("-")) {
        throw usageError(
          command,
          `Cannot understand "${argument}": phaul ${command} has no such flag`,
        );
      }
      if (takeArgument) return takeArgument(argument);
      throw usageError(command, `Cannot understand "${argument}": no argument is expected there`);
    },
  });
  const values = Object.entries(flags).map(([key, flag]) => {
    const texts = found.values.get(flag.name) ?? [];
    refuseOddTexts(command, flag, texts);
    return [key, readFlag(command, flag, texts, found.switches.has(flag.name))];
  });
  return Object.fromEntries(values);
}

/** parseArgs takes any text behind a switch's "=" for yes. */
function refuseOddSwitches(
  command: string,
  switches: readonly string[],
  args: readonly string[],
): void {
  for (const arg of args) {
    const [, name = "", value = ""] = /^--([^=]+)=(.*)$/s.exec(arg) ?? [];
    if (switches.includes(name) && value !== "true" && value !== "false") {
      throw usageError(command, `Cannot use --${name} with "${value}": it takes no value`);
    }
  }
}

function refuseOddTexts(command: string, flag: Flag<unknown>, texts: readonly string[]): void {
  if (flag.required && texts.length === 0) {
    throw usageError(command, `Cannot do without --${flag.name} ${flag.placeholder}`);
  }
  if (texts.length > 1 && !flag.repeated) {
    throw usageError(command, `Cannot use --${flag.name} more than once`);
  }
  if (texts.includes("")) {
    throw usageError(command, `Cannot use --${flag.name} without its ${flag.placeholder}`);
  }
}

function readFlag(
  command: string,
  flag: Flag<unknown>,
  texts: readonly string[],
  given: boolean,
): unknown {
  try {
    return flag.read(texts, given);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw usageError(command, `Cannot use --${flag.name} "${texts.join(" ")}": ${error.message}`);
  }
}
