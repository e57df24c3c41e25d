/**
 * `phaul completion`.
 *
 * @module
 */

import type { Command, CommandHelp, Context } from "./command.ts";
import { bashCompletion, fishCompletion, zshCompletion } from "./completion_scripts.ts";
import { EXIT_OK } from "./exit_codes.ts";
import { usageError } from "./flags.ts";

type Script = (commands: readonly CommandHelp[]) => string;

const SCRIPTS: Readonly<Record<string, Script>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};
const SHELLS = Object.keys(SCRIPTS).join(", ");

/**
 * The command; it is made with the others because it knows them.
 *
 * @param commands All other commands that are to be completed.
 */
export function makeCompletionCommand(commands: readonly Command[]): Command {
  const self: Command = {
    name: "completion",
    summary: "Print a script by which a shell completes phaul's commands and flags",
    usage: "bash|zsh|fish",
    about: ["The script is made from the same table as the help. It calls nothing but the shell."],
    examples: [
      {
        does: "For all users of bash",
        line: "phaul completion bash > /usr/share/bash-completion/completions/phaul",
      },
      { does: "For zsh, in a folder of its fpath", line: "phaul completion zsh > _phaul" },
      {
        does: "For fish",
        line: "phaul completion fish > ~/.config/fish/completions/phaul.fish",
      },
    ],
    flags: [],
    run: (args, context) => Promise.resolve(showScript([...commands, self], args, context)),
  };
  return self;
}

function showScript(
  commands: readonly CommandHelp[],
  [shell = "", ...rest]: readonly string[],
  { terminal }: Context,
): number {
  const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
  if (script === undefined || rest.length > 0) {
    throw usageError(
      "completion",
      `Cannot complete for "${[shell, ...rest].join(" ")}": name one of ${SHELLS}`,
    );
  }
  terminal.out(script(commands));
  return EXIT_OK;
}
