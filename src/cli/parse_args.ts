/**
 * A typed front for @std/cli's parseArgs, which comes here as untyped JavaScript.
 *
 * @module
 */

import { parseArgs as untyped } from "@std/cli/parse-args";

/** What parseArgs is asked for, as far as phaul needs it. */
export interface SplitRequest {
  /** Names of the flags without a value. */
  readonly switches: readonly string[];
  /** Names of the flags with a value. */
  readonly valued: readonly string[];
  /** Called for each argument that is none of these; it is left out of the result. */
  readonly onUnknown: (argument: string) => void;
}

/** The arguments, sorted by flag. */
export interface SplitArguments {
  /** The switches that were given and not negated by `=false`. */
  readonly switches: ReadonlySet<string>;
  /** Each value of each valued flag, in the order given; "" stands for a missing one. */
  readonly values: ReadonlyMap<string, readonly string[]>;
}

interface ParseOptions {
  readonly boolean: readonly string[];
  readonly string: readonly string[];
  readonly collect: readonly string[];
  readonly unknown: (argument: string) => boolean;
}

type ParseArgs = (args: readonly string[], options: ParseOptions) => Record<string, unknown>;

/** Splits a command line into flags and values. Never throws by itself, but lets `onUnknown` throw. */
export function splitArguments(args: readonly string[], request: SplitRequest): SplitArguments {
  const parse: ParseArgs = untyped;
  const found = parse(args, {
    boolean: request.switches,
    string: request.valued,
    collect: request.valued,
    unknown: (argument) => {
      request.onUnknown(argument);
      return false;
    },
  });
  // Behind "--" parseArgs calls nothing and looks at nothing.
  const rest = args.indexOf("--");
  if (rest !== -1) args.slice(rest + 1).forEach((argument) => request.onUnknown(argument));
  return {
    switches: new Set(request.switches.filter((name) => found[name] === true)),
    values: new Map(request.valued.map((name) => [name, asTexts(found[name])])),
  };
}

function asTexts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
