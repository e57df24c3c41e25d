/**
 * The host's programs, made up: each prints a fixed text, and what it was asked is kept.
 *
 * @module
 */

import type { ToolRunner } from "../../../src/proc/tools.ts";

/** One run of a program. */
export interface ToolCall {
  readonly program: string;
  readonly args: readonly string[];
  readonly stdin: string | undefined;
}

/** What a program prints: always the same, or by its arguments. */
export type ToolOutput = string | ((args: readonly string[]) => string);

/** A host with just these programs. */
export class FakeTools {
  readonly calls: ToolCall[] = [];
  readonly #programs: Readonly<Record<string, ToolOutput>>;

  constructor(programs: Readonly<Record<string, ToolOutput>>) {
    this.#programs = programs;
  }

  readonly run: ToolRunner = (program, args, stdin) => {
    const output = this.#programs[program];
    if (output === undefined) return Promise.reject(new Deno.errors.NotFound(program));
    this.calls.push({ program, args, stdin });
    return Promise.resolve(typeof output === "string" ? output : output(args));
  };

  /** What was given to `program` on its standard input, call by call. */
  inputsOf(program: string): string[] {
    return this.calls.flatMap((call) =>
      call.program === program && call.stdin !== undefined ? [call.stdin] : []
    );
  }
}
