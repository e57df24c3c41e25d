/**
 * `deno task programs --fs [NAME ...] [--write-docs]`: moves real programs with their files, between two
 * hosts of namespaces on this machine or, with `--vm`, two virtual ones; fails when one is damaged by it.
 *
 * @module
 */

import { move, type MoveOutcome } from "../tests/programs/move.ts";
import { MOVING } from "../tests/programs/moving.ts";
import { bringScripts } from "../tests/programs/moving_ground.ts";
import { here, machines } from "../tests/programs/places.ts";
import { build } from "./build.ts";
import { markdownTable } from "./markdown.ts";
import { ROOT } from "./process.ts";
import { ensureHostPackages, ensurePrograms } from "./setup.ts";

const DOC = "docs/programs.md";
const END = "<!-- End of the programs -->";

function beginOf(inGuests: boolean): string {
  const task = `deno task programs --fs${inGuests ? " --vm" : ""}`;
  return `<!-- Programs: written by ${task} -->`;
}

/** Debian's packages that the guests get besides the usual ones. */
const PACKAGES = [
  ...["gcc", "libc6-dev", "make", "memcached", "ncurses-base", "nginx-light", "postgresql-15"],
  ...["python3", "python3-psycopg2", "redis-server", "tmux"],
];

/**
 * Moves the programs of those names, or all.
 *
 * @returns whether nothing was wrong
 */
export async function moveWithFiles(
  names: readonly string[],
  flags: { readonly writes: boolean; readonly inGuests: boolean },
): Promise<boolean> {
  const chosen = MOVING.filter(({ name }) => names.length === 0 || names.includes(name));
  if (chosen.length === 0) throw new Error(`Cannot find ${names.join(", ")}`);
  await ensureHostPackages();
  if (!flags.inGuests) await ensurePrograms();
  await build(false);
  const outcomes: MoveOutcome[] = [];
  await using place = await (flags.inGuests ? machines(PACKAGES) : here());
  for (const machine of [place.alpha, place.beta]) await bringScripts(machine);
  for (const program of chosen) {
    const outcome = await move(place, program);
    outcomes.push(outcome);
    console.log(line(outcome));
  }
  const wrong = outcomes.filter((outcome) => outcome.wrong !== undefined).length;
  // What went wrong is no table. That of the guests, which take long, may be of a part.
  const whole = flags.inGuests || chosen.length === MOVING.length;
  if (flags.writes && wrong === 0 && whole) await writeDocs(outcomes, beginOf(flags.inGuests));
  console.log(`${outcomes.length - wrong} passed, ${wrong} failed, 0 skipped`);
  return wrong === 0;
}

function line(outcome: MoveOutcome): string {
  const { program, ended, reason = "", found, wrong } = outcome;
  if (wrong !== undefined) return `FAILED ${program.name}: ${wrong}`;
  return `ok     ${program.name}: ${ended} ${reason}; ${downtime(outcome)}; ${found}`;
}

function downtime({ gapMs, switchoverMs }: MoveOutcome): string {
  const shown = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  if (switchoverMs === undefined) return "";
  const switchover = `${shown(switchoverMs)} (phaul)`;
  return gapMs === undefined ? switchover : `${shown(gapMs)} (client), ${switchover}`;
}

async function writeDocs(outcomes: readonly MoveOutcome[], begin: string): Promise<void> {
  const path = `${ROOT}${DOC}`;
  const text = await Deno.readTextFile(path);
  const [from, to] = [text.indexOf(begin), text.indexOf(END, text.indexOf(begin))];
  if (from < 0 || to < from) throw new Error(`Cannot find the marks in "${DOC}"`);
  const rows = outcomes.map((outcome) => [
    `${outcome.program.name}: ${outcome.program.what}`,
    `\`${outcome.flags}\``,
    outcome.ended === "moved" ? "moved" : `\`${outcome.ended}\`: ${outcome.reason}`,
    downtime(outcome),
    outcome.found,
    outcome.program.limits,
  ]);
  const head = ["program", "flags", "migrate", "downtime", "checked, and right", "limits"];
  const table = markdownTable([head, ...rows]);
  await Deno.writeTextFile(path, `${text.slice(0, from)}${begin}\n\n${table}\n\n${text.slice(to)}`);
}
