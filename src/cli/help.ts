/**
 * `phaul help`, and the help of each command.
 *
 * @module
 */

import { wrap } from "./wrap.ts";
import type { Command, CommandHelp, Context } from "./command.ts";
import { EXIT_CODES, EXIT_GROUPS, EXIT_OK } from "./exit_codes.ts";
import { type Flag, usageError } from "./flags.ts";

/** Wide enough for the texts, narrow enough for any terminal. */
const TEXT_COLUMNS = 80;
const EXIT_CODES_TOPIC = "exit-codes";

/**
 * The help command; it is made with the others because it lists them.
 *
 * @param commands All other commands, in the order of the list.
 */
export function makeHelpCommand(commands: readonly Command[]): Command {
  const self: Command = {
    name: "help",
    summary: "Show this, the help of a command, or all exit codes",
    usage: "[COMMAND | exit-codes]",
    about: ["Every command shows its help with --help too."],
    examples: [
      { does: "The flags of migrate", line: "phaul help migrate" },
      { does: "What each exit code means", line: "phaul help exit-codes" },
    ],
    flags: [],
    run: (args, context) => Promise.resolve(showHelp([...commands, self], args, context)),
  };
  return self;
}

function showHelp(
  commands: readonly CommandHelp[],
  args: readonly string[],
  { terminal }: Context,
): number {
  const [topic, extra] = args;
  if (extra !== undefined) {
    throw usageError("", `Cannot help with "${extra}" as well: one topic only`);
  }
  terminal.out(helpOn(commands, topic));
  return EXIT_OK;
}

function helpOn(commands: readonly CommandHelp[], topic: string | undefined): string {
  if (topic === undefined) return generalHelp(commands);
  if (topic === EXIT_CODES_TOPIC) return exitCodesHelp();
  const command = commands.find(({ name }) => name === topic);
  if (command === undefined) throw usageError("", `Cannot help with "${topic}": no such command`);
  return commandHelp(command);
}

/** The help without a topic. */
export function generalHelp(commands: readonly CommandHelp[]): string {
  const rows = commands.map(({ name, summary }) => [name, summary] as const);
  return sections([
    "phaul moves a running Linux process tree to another host",
    "Usage: phaul COMMAND [FLAGS]",
    `Commands:\n${columns(rows)}`,
    "Two hosts, as root:\n" +
    "  dst# phaul serve\n" +
    "  src# phaul migrate --pid 4711 --peer dst",
    exitGroupsHelp(),
  ]);
}

/** The help of one command. */
export function commandHelp(command: CommandHelp): string {
  const groups = command.flags.map(({ title, flags }) =>
    `${title}:\n${columns(Object.values(flags).map(flagRow))}`
  );
  const examples = command.examples.map(({ does, line }) => `  ${does}:\n    ${line}`);
  return sections([
    command.summary,
    `Usage: phaul ${command.name} ${command.usage}`,
    ...command.about.map((text) => wrap(text, TEXT_COLUMNS).join("\n")),
    ...groups,
    `Examples:\n${examples.join("\n")}`,
    exitGroupsHelp(),
  ]);
}

/** Every exit code with its error code and meaning. */
export function exitCodesHelp(): string {
  const rows = Object.entries(EXIT_CODES).map(([code, { exit, means }]) =>
    [String(exit), `${code}: ${means}`] as const
  );
  return sections(["Exit codes", columns([["0", "done"], ...rows])]);
}

function exitGroupsHelp(): string {
  const groups = columns(EXIT_GROUPS);
  return `Exit codes (each one: phaul help ${EXIT_CODES_TOPIC}):\n${groups}`;
}

function flagRow(flag: Flag<unknown>): readonly [string, string] {
  const value = flag.placeholder === undefined ? "" : ` ${flag.placeholder}`;
  const remark = flag.required
    ? " (required)"
    : flag.shownDefault === undefined
    ? ""
    : ` (default: ${flag.shownDefault})`;
  return [`--${flag.name}${value}`, `${flag.help}${remark}`];
}

/** Two columns, the second wrapped. */
function columns(rows: readonly (readonly [string, string])[]): string {
  const left = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.flatMap(([name, text]) =>
    wrap(text, TEXT_COLUMNS - left - 2).map((line, index) =>
      `  ${(index === 0 ? name : "").padEnd(left)}${line}`
    )
  ).join("\n");
}

function sections(parts: readonly string[]): string {
  return `${parts.join("\n\n")}\n`;
}
