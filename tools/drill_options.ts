/**
 * The flags of `deno task drill`.
 *
 * @module
 */

import { splitArguments } from "../src/cli/parse_args.ts";
import type { Extent } from "../tests/drill/choose.ts";
import { type Place, PLACES } from "../tests/drill/row.ts";

/** What the drill is asked for. */
export interface DrillOptions {
  readonly extent: Extent;
  /** Names the rows and performs none. */
  readonly list: boolean;
  /** Puts the table into docs/failure.md. */
  readonly writeDocs: boolean;
  /** Only rows whose name holds this. */
  readonly filter: string;
  readonly repeat: number;
  readonly seed: number;
  /** How many rows at once on this host. */
  readonly jobs: number;
  readonly places: readonly Place[];
}

const SWITCHES = ["all", "thin", "list", "write-docs"] as const;
const VALUED = ["filter", "repeat", "seed", "jobs", "on"] as const;
const SEEDS = 2 ** 32;
const USUAL_JOBS = 5;

/**
 * Reads the flags.
 *
 * @throws Error naming what cannot be understood
 */
export function drillOptions(args: readonly string[]): DrillOptions {
  const { switches, values } = splitArguments(args, {
    switches: SWITCHES,
    valued: VALUED,
    onUnknown: (argument) => {
      throw new Error(`Cannot understand "${argument}": the flags are in docs/testing.md`);
    },
  });
  const value = (name: (typeof VALUED)[number]) => values.get(name)?.at(-1);
  return {
    extent: extentOf(switches.has("all"), switches.has("thin")),
    list: switches.has("list"),
    writeDocs: switches.has("write-docs"),
    filter: value("filter") ?? "",
    repeat: count("repeat", value("repeat"), 1),
    seed: count("seed", value("seed"), Math.floor(Math.random() * SEEDS)),
    jobs: count("jobs", value("jobs"), USUAL_JOBS),
    places: placesOf(value("on")),
  };
}

function extentOf(all: boolean, thin: boolean): Extent {
  if (all && thin) throw new Error("Cannot use --all and --thin together");
  return all ? "all" : thin ? "thin" : "ordinary";
}

function count(name: string, text: string | undefined, usual: number): number {
  if (text === undefined) return usual;
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new Error(`Cannot use --${name} "${text}": a number is wanted`);
}

function placesOf(text: string | undefined): readonly Place[] {
  if (text === undefined) return PLACES;
  return text.split(",").map((name) => {
    const place = PLACES.find((one) => one === name);
    if (place) return place;
    throw new Error(`Cannot drill on "${name}": it is none of ${PLACES.join(", ")}`);
  });
}
