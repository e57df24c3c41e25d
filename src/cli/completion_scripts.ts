/**
 * Scripts by which shells complete. Pure: text only.
 *
 * @module
 */

import type { CommandHelp } from "./command.ts";
import type { Flag } from "./flags.ts";

/** Placeholders of values that are names of files. */
const FILES = ["FILE", "FILE.html", "DIR", "PATH", "PROGRAM", "SOCKET"];

/** For bash, by its builtins alone: bash-completion need not be there. */
export function bashCompletion(commands: readonly CommandHelp[]): string {
  const names = commands.map(({ name }) => name).join(" ");
  const values = commands.flatMap(({ name, flags }) =>
    flagsOf(flags).filter(takesValue).map((flag) => {
      return `    "${name} --${flag.name}") ${bashValues(flag)} return ;;`;
    })
  );
  const all = commands.map(({ name, flags }) => {
    const words = [...flagsOf(flags).map((flag) => `--${flag.name}`), "--help"].join(" ");
    return `    ${name}) _phaul_words "${words}" ;;`;
  });
  return `# phaul completion bash
_phaul_words() { COMPREPLY=($(compgen -W "$1" -- "\${COMP_WORDS[COMP_CWORD]}")); }
_phaul_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")
}
_phaul() {
  COMPREPLY=()
  local command=\${COMP_WORDS[1]}
  if [ "$COMP_CWORD" = 1 ]; then _phaul_words "${names}"; return; fi
  case "$command \${COMP_WORDS[COMP_CWORD-1]}" in
${values.join("\n")}
    "help "*) _phaul_words "${names} exit-codes"; return ;;
    "completion "*) _phaul_words "bash zsh fish"; return ;;
  esac
  case "$command" in
${all.join("\n")}
  esac
}
complete -F _phaul phaul
`;
}

/** For zsh's compsys. */
export function zshCompletion(commands: readonly CommandHelp[]): string {
  const names = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  const cases = commands.map(({ name, flags }) => {
    const specs = flagsOf(flags).map((flag) => `        ${quoted(zshSpec(flag))}`);
    if (specs.length === 0) return `      ${name}) ;;`;
    return `      ${name})\n        _arguments ${["\\", ...specs].join(" \\\n").slice(2)} ;;`;
  });
  return `#compdef phaul
# phaul completion zsh
_phaul() {
  local -a commands
  commands=(
${names.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
  else
    shift words
    (( CURRENT-- ))
    case $words[1] in
${cases.join("\n")}
    esac
  fi
}
if [ "$funcstack[1]" = _phaul ]; then _phaul "$@"; else compdef _phaul phaul; fi
`;
}

/** For fish. */
export function fishCompletion(commands: readonly CommandHelp[]): string {
  const lines = commands.flatMap(({ name, summary, flags }) => [
    `complete -c phaul -n __fish_use_subcommand -a ${name} -d ${fishQuoted(summary)}`,
    ...flagsOf(flags).map((flag) =>
      `complete -c phaul -n '__fish_seen_subcommand_from ${name}' -l ${flag.name}` +
      `${fishValues(flag)} -d ${fishQuoted(flag.help)}`
    ),
  ]);
  return ["# phaul completion fish", "complete -c phaul -f", ...lines, ""].join("\n");
}

function flagsOf(groups: CommandHelp["flags"]): Flag<unknown>[] {
  return groups.flatMap(({ flags }) => Object.values(flags));
}

function takesValue({ placeholder }: Flag<unknown>): boolean {
  return placeholder !== undefined;
}

function namesFile({ placeholder = "" }: Flag<unknown>): boolean {
  return FILES.includes(placeholder);
}

function bashValues(flag: Flag<unknown>): string {
  if (flag.choices) return `_phaul_words "${flag.choices.join(" ")}";`;
  return namesFile(flag) ? "_phaul_files;" : "";
}

function fishValues(flag: Flag<unknown>): string {
  if (!takesValue(flag)) return "";
  if (flag.choices) return ` -x -a ${fishQuoted(flag.choices.join(" "))}`;
  return namesFile(flag) ? " -r -F" : " -x";
}

/** `--name=[help]:what:completer`; what separates its parts is escaped. */
function zshSpec(flag: Flag<unknown>): string {
  const help = flag.help.replace(/[[\]:\\]/g, "\\$&");
  const star = flag.repeated ? "*" : "";
  if (!takesValue(flag)) return `${star}--${flag.name}[${help}]`;
  const completer = flag.choices ? `(${flag.choices.join(" ")})` : namesFile(flag) ? "_files" : " ";
  const what = (flag.placeholder ?? "").replace(/[[\]:\\]/g, "\\$&");
  return `${star}--${flag.name}=[${help}]:${what}:${completer}`;
}

/** In single quotes, in which nothing but their end means anything; as zsh reads them. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** In fish's single quotes, in which a backslash escapes. */
function fishQuoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
