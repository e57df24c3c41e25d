/**
 * The flags of `deno task bench`.
 *
 * @module
 */

import { splitArguments } from "../src/cli/parse_args.ts";
import type { Contestant } from "../tests/bench/contestant.ts";
import { CONTESTANTS } from "../tests/bench/contestants.ts";
import { type Place, PLACES } from "../tests/bench/ground.ts";
import { type VictimKind, VICTIMS } from "../tests/bench/victims.ts";
import type { Suite } from "../vm/image.ts";

/** What the benchmark is asked for. */
export interface BenchOptions {
  /** Names the runs and performs none. */
  readonly list: boolean;
  /** Puts tables and picture into docs/performance.md. */
  readonly writeDocs: boolean;
  /** Where everything is written to as JSON. */
  readonly json: string | undefined;
  /** Files of earlier runs: shown as they are, and nothing is run. */
  readonly from: readonly string[];
  readonly repeat: number;
  readonly places: readonly Place[];
  readonly suites: readonly Suite[];
  readonly victims: readonly VictimKind[];
  readonly contestants: readonly Contestant[];
  /** Only runs whose name holds this. */
  readonly filter: string;
}

const SWITCHES = ["quick", "list", "write-docs"] as const;
const VALUED = ["json", "from", "repeat", "on", "image", "victim", "contestant", "filter"] as const;
const SUITES: readonly Suite[] = ["bookworm", "trixie"];

/**
 * Reads the flags.
 *
 * @throws Error naming what cannot be understood
 */
export function benchOptions(args: readonly string[]): BenchOptions {
  const { switches, values } = splitArguments(args, {
    switches: SWITCHES,
    valued: VALUED,
    onUnknown: (argument) => {
      throw new Error(`Cannot understand "${argument}": the flags are in docs/testing.md`);
    },
  });
  const value = (name: (typeof VALUED)[number]) => values.get(name)?.at(-1);
  const quick = switches.has("quick");
  const usual = <T extends { readonly quick: boolean }>(all: readonly T[]) =>
    quick ? all.filter((one) => one.quick) : all;
  return {
    list: switches.has("list"),
    writeDocs: switches.has("write-docs"),
    json: value("json"),
    from: value("from")?.split(",") ?? [],
    repeat: count("repeat", value("repeat"), 1),
    places: chosen("on", value("on"), PLACES, quick ? ["lane"] : PLACES, (place) => place),
    suites: chosen("image", value("image"), SUITES, quick ? ["bookworm"] : SUITES, (one) => one),
    victims: chosen("victim", value("victim"), VICTIMS, usual(VICTIMS), ({ name }) => name),
    contestants: chosen(
      "contestant",
      value("contestant"),
      CONTESTANTS,
      usual(CONTESTANTS.filter((one) => one.usual)),
      ({ name }) => name,
    ),
    filter: value("filter") ?? "",
  };
}

function count(name: string, text: string | undefined, usual: number): number {
  if (text === undefined) return usual;
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new Error(`Cannot use --${name} "${text}": a number from 1 on is wanted`);
}

function chosen<T>(
  flag: string,
  text: string | undefined,
  all: readonly T[],
  usual: readonly T[],
  nameOf: (one: T) => string,
): readonly T[] {
  if (text === undefined) return usual;
  const wanted = text.split(",");
  const unknown = wanted.find((name) => !all.some((one) => nameOf(one) === name));
  if (unknown === undefined) return all.filter((one) => wanted.includes(nameOf(one)));
  throw new Error(
    `Cannot use --${flag} "${unknown}": it is none of ${all.map(nameOf).join(", ")}`,
  );
}
