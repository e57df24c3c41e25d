/** What was typed and what it showed, on the terminal as it comes and kept for the documentation. */

/** Runs command lines and keeps a record of them. */
export class Transcript {
  readonly #hidden: readonly (readonly [path: string, name: string])[];
  readonly #lines: string[] = [];

  /** `hidden` says what to write for paths that mean nothing elsewhere. */
  constructor(hidden: readonly (readonly [path: string, name: string])[]) {
    this.#hidden = hidden;
  }

  /** Everything so far. */
  get text(): string {
    return this.#lines.join("\n");
  }

  /** Shows and keeps a line that no command has printed. */
  say(raw: string): void {
    const line = this.#hidden.reduce((text, [path, name]) => text.replaceAll(path, name), raw);
    this.#lines.push(line);
    console.log(line);
  }

  /**
   * Runs a line by the shell and returns what it printed.
   *
   * @throws Error when it ends with another code than 0
   */
  async run(line: string): Promise<string> {
    this.say(`$ ${line}`);
    const child = new Deno.Command("bash", {
      args: ["-o", "pipefail", "-c", `{ ${line}\n} 2>&1`],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const shown: string[] = [];
    let rest = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + chunk).split(/[\r\n]/);
      rest = parts.pop() ?? "";
      for (const part of parts) this.#show(part, shown);
    }
    this.#show(rest, shown);
    const { code } = await child.status;
    if (code !== 0) throw new Error(`"${line}" exited with ${code}`);
    return shown.join("\n");
  }

  #show(raw: string, shown: string[]): void {
    const line = lastingLine(raw);
    if (line === undefined) return;
    shown.push(line);
    this.say(line);
  }
}

/** What stays on a terminal of a line that may be drawn over; undefined when nothing does. */
export function lastingLine(raw: string): string | undefined {
  // deno-lint-ignore no-control-regex
  const line = raw.replaceAll(/\x1b\[[0-9;]*[A-Za-z]/g, "").trimEnd();
  return line === "" || /^\s*Progress: \d+%/.test(line) ? undefined : line;
}
