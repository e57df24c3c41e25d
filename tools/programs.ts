/**
 * `deno task programs [NAME ...] [--write-docs]`: checks real programs, moves them between two hosts of
 * this machine, and fails when one could not be moved though nothing was found, or could though
 * something was. With `--fs` it moves them with their files instead: moving_programs.ts.
 *
 * @module
 */

import { type Outcome, perform } from "../tests/programs/perform.ts";
import { type Program, PROGRAMS } from "../tests/programs/programs.ts";
import { build } from "./build.ts";
import { CHECKS_DOC } from "./checks_doc.ts";
import { codes, markdownTable } from "./markdown.ts";
import { moveWithFiles } from "./moving_programs.ts";
import { ROOT } from "./process.ts";
import { ensureHostPackages, ensurePrograms } from "./setup.ts";

const BEGIN = "<!-- Programs: written by deno task programs -->";
const END = "<!-- End of the programs -->";

const names = Deno.args.filter((arg) => !arg.startsWith("--"));
const writes = Deno.args.includes("--write-docs");
if (Deno.args.includes("--fs")) {
  const inGuests = Deno.args.includes("--vm");
  Deno.exit(await moveWithFiles(names, { writes, inGuests }) ? 0 : 1);
}

const chosen = PROGRAMS.filter(({ name }) => names.length === 0 || names.includes(name));

await ensureHostPackages();
await ensurePrograms();
await build(false);
const outcomes: Outcome[] = [];
for (const program of chosen) {
  const outcome = await orWrong(program);
  outcomes.push(outcome);
  console.log(line(outcome));
}
const wrong = outcomes.filter((outcome) => outcome.wrong !== undefined).length;
// A table of a part, or of what went wrong, would say something else than its heading.
const whole = wrong === 0 && outcomes.length === PROGRAMS.length;
if (writes && whole) await writeDocs(outcomes);
console.log(`${outcomes.length - wrong} passed, ${wrong} failed, 0 skipped`);
Deno.exit(wrong === 0 ? 0 : 1);

async function orWrong(program: Program): Promise<Outcome> {
  try {
    return await perform(program);
  } catch (error) {
    const wrong = error instanceof Error ? error.message : String(error);
    return { program, blockers: [], warnings: [], migrated: "-", wrong };
  }
}

function line({ program, blockers, warnings, migrated, regardless, wrong }: Outcome): string {
  const found = [...blockers, ...warnings].join(", ") || "nothing";
  const ends = regardless === undefined ? migrated : `${migrated}, then ${regardless}`;
  const end = wrong === undefined ? "" : `: ${wrong}`;
  return `${wrong === undefined ? "ok    " : "FAILED"} ${program.name}: ${found}; ${ends}${end}`;
}

async function writeDocs(all: readonly Outcome[]): Promise<void> {
  const path = `${ROOT}${CHECKS_DOC}`;
  const text = await Deno.readTextFile(path);
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`Cannot find the marks in "${CHECKS_DOC}"`);
  const rows = all.map(({ program, blockers, warnings, migrated, regardless }) => [
    `${program.name}: ${program.what}`,
    program.flags.length === 0 ? "" : codes(program.flags),
    blockers.length === 0 ? "" : codes(blockers),
    warnings.length === 0 ? "" : codes(warnings),
    migrated === "moved" ? "moved, works" : codes([migrated]),
    regardless === undefined ? "" : codes([regardless]),
  ]);
  const head = ["program", "flags", "blockers", "warnings", "migrate", "with --skip-check"];
  const table = markdownTable([head, ...rows]);
  await Deno.writeTextFile(path, `${text.slice(0, from)}${BEGIN}\n\n${table}\n\n${text.slice(to)}`);
}
