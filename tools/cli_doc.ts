/**
 * `deno task docs`: writes docs/cli.md from the help texts.
 *
 * @module
 */

import { commandHelp, generalHelp } from "../src/cli/help.ts";
import { COMMANDS } from "../src/cli/run.ts";
import { ROOT } from "./process.ts";

/** docs/cli.md as it has to be. */
export function cliDoc(): string {
  const parts = COMMANDS.map((command) =>
    `## phaul ${command.name}\n\n${fence(commandHelp(command))}`
  );
  return [
    "# The command line",
    "These are the help texts (`phaul help`, `phaul help COMMAND`), written here by `deno task docs`.\n" +
    "docs/scripting.md has the exit codes and the events of `--json`.",
    fence(generalHelp(COMMANDS)),
    ...parts,
  ].join("\n\n") + "\n";
}

function fence(text: string): string {
  return `\`\`\`text\n${text}\`\`\``;
}

if (import.meta.main) await Deno.writeTextFile(`${ROOT}docs/cli.md`, cliDoc());
