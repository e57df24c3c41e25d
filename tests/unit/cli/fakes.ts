/**
 * A terminal that remembers, and roles that do what a test says.
 *
 * @module
 */

import type { Context, Roles } from "../../../src/cli/command.ts";
import type { Terminal } from "../../../src/cli/terminal.ts";
import { PhaulError } from "../../../src/errors.ts";

/** A terminal that remembers. */
export class FakeTerminal implements Terminal {
  readonly live: boolean;
  readonly journal: boolean;
  stdout = "";
  stderr = "";

  constructor(live: boolean = false, journal: boolean = false) {
    this.live = live;
    this.journal = journal;
  }

  /** Remembers. */
  out(text: string): void {
    this.stdout += text;
  }

  /** Remembers. */
  err(text: string): void {
    this.stderr += text;
  }

  /** A narrow one. */
  columns(): number {
    return 20;
  }

  /** The JSON lines on standard output. */
  get events(): Record<string, unknown>[] {
    return this.stdout.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  }
}

/** A context whose roles all refuse, but for those given. */
export function fakeContext(roles: Partial<Roles> = {}): Context & { terminal: FakeTerminal } {
  const refuse = () => Promise.reject(new PhaulError("internal", "This role was not to be called"));
  return {
    terminal: new FakeTerminal(),
    roles: {
      ...{ migrate: refuse, serve: refuse, selftest: refuse, findCriu: refuse },
      ...{ status: refuse, recover: refuse, cancel: refuse },
      ...{ check: refuse, plan: refuse, history: refuse },
      ...{ exportTree: refuse, restoreTree: refuse },
      findVictim: (choice) => choice.by === "pid" ? Promise.resolve(choice.pid) : refuse(),
      ...roles,
    },
  };
}
