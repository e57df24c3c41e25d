/**
 * An operator's own way to bring files over: a program that is called at each step.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../../errors.ts";
import { runProgram } from "../program.ts";
import type { PhaulFiles } from "./phaul_files.ts";

/** While the tree runs a program may take its time; whoever waits can cancel. */
const RUNNING_MS = 86_400_000;

/** What the program is told. */
export interface ExecFacts {
  readonly migration: string;
  readonly pid: number;
  /** As `host:port`. */
  readonly peer: string;
}

type Step = "begin" | "sync" | "final" | "commit" | "abort";

/** Calls a program. */
export class ExecFiles implements PhaulFiles {
  readonly name: string;
  readonly #program: string;
  readonly #facts: ExecFacts;
  readonly #stepMs: number;

  /** @param stepMs For `final`, `commit` and `abort`. */
  constructor(program: string, facts: ExecFacts, stepMs: number) {
    this.name = `exec:${program}`;
    this.#program = program;
    this.#facts = facts;
    this.#stepMs = stepMs;
  }

  begin(signal: AbortSignal): Promise<void> {
    return this.#call("begin", RUNNING_MS, signal);
  }

  sync(signal: AbortSignal): Promise<void> {
    return this.#call("sync", RUNNING_MS, signal);
  }

  final(signal: AbortSignal): Promise<void> {
    return this.#call("final", this.#stepMs, signal);
  }

  commit(): Promise<void> {
    return this.#call("commit", this.#stepMs);
  }

  abort(): Promise<void> {
    return this.#call("abort", this.#stepMs);
  }

  async #call(step: Step, deadlineMs: number, signal?: AbortSignal): Promise<void> {
    const { migration, pid, peer } = this.#facts;
    const what = `Cannot bring files over at "${step}": "${this.#program}"`;
    const context = {
      env: { PHAUL_FILES: step, PHAUL_MIGRATION: migration, PHAUL_PID: String(pid) },
      input: `${JSON.stringify({ event: step, migration, pid, peer })}\n`,
      signal,
    };
    const ended = await runProgram(this.#program, [], context, deadlineMs).catch((cause) => {
      throw new PhaulError(
        "files-failed",
        `${what} cannot be run: ${asPhaulError(cause).message}`,
        {
          remedy: "Check that the file exists and is executable",
          cause,
        },
      );
    });
    if (ended.success) return;
    throw new PhaulError("files-failed", `${what} ${ended.how}`, { remedy: "Mend the program" });
  }
}
