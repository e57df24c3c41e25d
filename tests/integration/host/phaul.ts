/** The built phaul, driven by its command line, its events, its exit code and its hook. */

import { BINARY } from "../../../tools/build.ts";
import { ROOT } from "../../../tools/process.ts";
import type { Host, HostProcess, Started } from "./host.ts";
import { until } from "./waiting.ts";

/** Where the test runner looks for the transitions that phaul made. */
const TRANSITIONS = `${ROOT}build/transitions`;

/** Tells each stage in a file, and stays at one for as long as a file of its name is there. */
const HOOK = `#!/bin/sh
dir=\${0%/*}
echo "$PHAUL_STAGE" >>"$dir/stages"
[ -e "$dir/hold-$PHAUL_STAGE" ] || exit 0
touch "$dir/at-$PHAUL_STAGE"
while [ -e "$dir/hold-$PHAUL_STAGE" ]; do sleep 0.02; done
rm -f "$dir/at-$PHAUL_STAGE"
[ ! -e "$dir/fail-$PHAUL_STAGE" ]
`;

/** One line of `--json`. */
export type PhaulEvent = Readonly<Record<string, unknown>> & { readonly event: string };

/** The hook of one host: holds phaul at a stage. */
export class Hook {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** Makes it in a folder of its own. */
  static async make(dir: string): Promise<Hook> {
    await Deno.mkdir(dir);
    await Deno.writeTextFile(`${dir}/hook`, HOOK, { mode: 0o755 });
    return new Hook(dir);
  }

  /** The program, for `--hook`. */
  get program(): string {
    return `${this.#dir}/hook`;
  }

  /** The next time at `stage` phaul waits. */
  async hold(stage: string): Promise<void> {
    await Deno.writeTextFile(`${this.#dir}/hold-${stage}`, "");
  }

  /** Waits until phaul is at `stage`, where it is held. */
  async reached(stage: string): Promise<void> {
    await until(`stage ${stage}`, () => this.#exists(`at-${stage}`));
  }

  /** Lets phaul go on. */
  async release(stage: string): Promise<void> {
    await Deno.remove(`${this.#dir}/hold-${stage}`);
  }

  /** At `stage` the hook fails. */
  async failAt(stage: string): Promise<void> {
    await Deno.writeTextFile(`${this.#dir}/fail-${stage}`, "");
    // Looked at only by a hook that was held.
    await Deno.writeTextFile(`${this.#dir}/hold-${stage}`, "");
  }

  async #exists(name: string): Promise<boolean> {
    return await Deno.stat(`${this.#dir}/${name}`).then(() => true, () => false);
  }
}

/** A running phaul. */
export class PhaulRun {
  readonly host: Host;
  readonly pid: number;
  /** The exit code; 128 and the signal's number when a signal ended it. */
  readonly code: Promise<number>;
  readonly #started: Started;

  private constructor(host: Host, started: Started) {
    this.host = host;
    this.pid = started.pid;
    this.#started = started;
    this.code = started.status.then(({ code }) => code);
  }

  /** Starts phaul with these arguments. */
  static async start(
    host: Host,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<PhaulRun> {
    return new PhaulRun(host, await host.start([BINARY, ...args], env));
  }

  /** A phaul that was started by other means. */
  static of(host: Host, started: Started): PhaulRun {
    return new PhaulRun(host, started);
  }

  /** What it told so far. */
  async events(): Promise<PhaulEvent[]> {
    const lines = (await this.#started.out()).split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line));
  }

  /** What it said to people. */
  async said(): Promise<string> {
    return await this.#started.err();
  }

  /**
   * Waits for an event.
   *
   * @throws Error when phaul ends without it
   */
  async event(name: string, matches: Record<string, unknown> = {}): Promise<PhaulEvent> {
    let over = false;
    void this.code.then(() => over = true);
    return await until(`event ${name}`, async () => {
      const wasOver = over;
      const found = (await this.events()).find((event) =>
        event.event === name &&
        Object.entries(matches).every(([key, value]) => event[key] === value)
      );
      if (found) return found;
      if (wasOver) throw new Error(`phaul ended without "${name}": ${await this.said()}`);
    });
  }

  /** Waits until it said so to people. */
  async says(text: string): Promise<void> {
    await until(`phaul says "${text}"`, async () => (await this.said()).includes(text));
  }

  /** Sends it a signal. */
  async signal(signal: string): Promise<void> {
    await this.host.signal(this.pid, signal);
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    await this.signal("KILL");
    await this.code;
  }

  /** Its criu processes: `criu swrk`, and below those tasks being restored. */
  async criu(): Promise<{ readonly swrk: HostProcess[]; readonly below: HostProcess[] }> {
    const all = await this.host.processes();
    const swrk = all.filter(({ parentPid, command }) =>
      parentPid === this.pid && command.includes("swrk")
    );
    const pids = new Set(swrk.map(({ pid }) => pid));
    return { swrk, below: all.filter(({ parentPid }) => pids.has(parentPid)) };
  }

  /** The pid of the newest fault server there, once there is one; none when that never comes to be. */
  async faultServer(): Promise<number | undefined> {
    const all = await this.host.processes();
    return all.filter(({ command }) => command.includes("fault-server")).at(-1)?.pid;
  }

  /** Hands its transitions to the test runner's table. */
  async recordTransitions(): Promise<void> {
    const lines = (await this.events()).filter(({ event }) => event === "transition")
      .map(({ side, from, on, to }) => `${JSON.stringify({ side, from, event: on, to })}\n`);
    if (lines.length === 0) return;
    await Deno.mkdir(TRANSITIONS, { recursive: true });
    const path = `${TRANSITIONS}/integration-${Deno.pid}.jsonl`;
    await Deno.writeTextFile(path, lines.join(""), { append: true });
  }
}
