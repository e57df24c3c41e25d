/** phaul as scenarios drive it: by its command line, its events and its exit code. */

import type { GuestProcess } from "./agent.ts";
import { repositoryPath } from "./cache.ts";
import type { Host, Victim } from "./host.ts";
import { shellQuote } from "./host.ts";

/** Where a host keeps phaul's identity and token; inside each host, not shared. */
const STATE_DIR = "/run/phaul-state";
const TOKEN = `${STATE_DIR}/join-token`;
/** Runs of phaul add their transitions here, for the table at the end of the tests. */
const TRANSITIONS = repositoryPath("build/transitions");
/** Emulated guests are slow: generous. */
const EVENT_MS = 180_000;

/** One line of `--json`. */
export type PhaulEvent = Readonly<Record<string, unknown>> & { readonly event: string };

/** A running phaul and what it has told so far. */
export class PhaulRun implements Disposable {
  readonly host: Host;
  readonly process: GuestProcess;

  constructor(host: Host, process: GuestProcess) {
    this.host = host;
    this.process = process;
  }

  /** All events so far. */
  get events(): readonly PhaulEvent[] {
    return this.process.stdout.lines.flatMap((line) => {
      try {
        return [JSON.parse(line) as PhaulEvent];
      } catch {
        return [];
      }
    });
  }

  /** What it said to people. */
  get said(): string {
    return this.process.stderr.text;
  }

  /** Waits for an event, told already or to come. */
  async event(name: string, matches: Record<string, unknown> = {}): Promise<PhaulEvent> {
    const wanted = (line: string) => {
      if (!line.startsWith("{")) return false;
      const event = JSON.parse(line) as PhaulEvent;
      return event.event === name &&
        Object.entries(matches).every(([key, value]) => event[key] === value);
    };
    return JSON.parse(await this.process.stdout.line(wanted, EVENT_MS));
  }

  /** Whether it still runs. */
  async alive(): Promise<boolean> {
    const still = Symbol();
    const ended = this.process.ended.then(() => undefined, () => undefined);
    return await Promise.race([ended, Promise.resolve(still)]) === still;
  }

  /** Ends it without a warning. */
  async kill(): Promise<void> {
    await this.process.kill(9, "process");
    await this.process.ended.catch(() => {});
  }

  /** Writes the transitions that it made where the test runner finds them. */
  async recordTransitions(): Promise<void> {
    const lines = this.events.filter((event) => event.event === "transition")
      .map(({ side, from, on, to }) => JSON.stringify({ side, from, event: on, to }));
    if (lines.length === 0) return;
    await Deno.mkdir(TRANSITIONS, { recursive: true });
    const path = `${TRANSITIONS}/scenarios-${Deno.pid}.jsonl`;
    await Deno.writeTextFile(path, lines.join("\n") + "\n", { append: true });
  }

  [Symbol.dispose](): void {
    void this.recordTransitions();
    this.process[Symbol.dispose]();
  }
}

/** What `phaul serve` and `phaul migrate` may be given besides. */
export interface RunOptions {
  /** The flag that names the victim; by its pid when not given. */
  readonly which?: string;
  readonly args?: string;
  readonly log?: string;
  /** A command that runs phaul, such as setpriv with its arguments. */
  readonly through?: string;
  /** Instead of `migrate`: a command that takes the same victim and destination. */
  readonly command?: "check" | "plan";
  /** A shell script that is run as `--hook`, with the stage in PHAUL_STAGE. */
  readonly hook?: string;
}

/** A `phaul serve` that listens. */
export class Server extends PhaulRun {
  /** Ends it as systemd would, and waits. */
  async stop(): Promise<void> {
    await this.process.kill(15, "process");
    await this.process.ended.catch(() => {});
  }
}

/** Starts `phaul serve` and waits until it listens. The caller owns it. */
export async function serve(host: Host, options: RunOptions = {}): Promise<Server> {
  const hook = await hookArgument(host, "serve", options.hook);
  const command = `exec phaul serve --json --state-dir ${STATE_DIR} ${hook} ${options.args ?? ""}`;
  const server = new Server(host, await host.start(command, options.log ?? "serve"));
  await server.event("listening");
  return server;
}

/** Where a source keeps the token of the server on `destination`. */
function tokenOf(destination: Host): string {
  return `/run/phaul-peers/${destination.name}`;
}

/** Gives `source` the token of the server on `destination`, which lies at `token` there. */
export async function shareToken(
  source: Host,
  destination: Host,
  token: string = TOKEN,
): Promise<void> {
  await source.writeFile(tokenOf(destination), await destination.readFile(token), 0o600);
}

/** Starts `phaul migrate`. The caller owns it. */
export async function startMigration(
  source: Host,
  destination: Host,
  victim: { readonly pid: number },
  options: RunOptions = {},
): Promise<PhaulRun> {
  const hook = await hookArgument(source, `migrate-${victim.pid}`, options.hook);
  const named = options.which ?? `--pid ${victim.pid}`;
  const command =
    `exec ${options.through ?? ""} phaul ${
      options.command ?? "migrate"
    } --json --state-dir ${STATE_DIR} --token-file ${tokenOf(destination)} ` +
    `${named} --peer ${destination.address} ${hook} ${options.args ?? ""}`;
  return new PhaulRun(source, await source.start(command, options.log ?? "migrate"));
}

/** Exit code and events of a `phaul migrate` that ran to its end. */
export interface Migration {
  readonly code: number;
  readonly events: readonly PhaulEvent[];
  readonly said: string;
}

/** Runs `phaul migrate` to its end. */
export async function migrate(
  source: Host,
  destination: Host,
  victim: { readonly pid: number },
  options: RunOptions = {},
): Promise<Migration> {
  using run = await startMigration(source, destination, victim, options);
  return await finish(run);
}

/** Waits for the end of a `phaul migrate`. */
export async function finish(run: PhaulRun): Promise<Migration> {
  const { code } = await run.process.ended;
  return { code, events: run.events, said: run.said };
}

/** The last event of that name. */
export function lastEvent({ events }: Migration, name: string): PhaulEvent | undefined {
  return events.findLast((event) => event.event === name);
}

/** Fails with what phaul said unless it exited with `code`. */
export function expectCode(migration: Migration, code: number): void {
  if (migration.code === code) return;
  throw new Error(`phaul exited with ${migration.code}, not ${code}; it said:\n${migration.said}`);
}

/** Finishes, or rolls back, what was interrupted on `host`; throws with what phaul said when it cannot. */
export async function recover(host: Host): Promise<void> {
  await host.run(`phaul recover --state-dir ${STATE_DIR}`);
}

/** Ends a victim's whole session. */
export async function endVictim(host: Host, victim: Victim): Promise<void> {
  await host.run(`kill -9 -- -${victim.pid}`, { mayFail: true });
}

/** Fails when a host holds anything that a finished or failed migration should have removed. */
export async function expectClean(host: Host): Promise<void> {
  const { stdout } = await host.run(
    "ls -A /dev/shm/phaul 2>/dev/null; pgrep -a criu; true",
  );
  if (stdout.trim() !== "") throw new Error(`${host.name} is not clean:\n${stdout}`);
}

async function hookArgument(host: Host, name: string, script?: string): Promise<string> {
  if (script === undefined) return "";
  const path = `/run/hook-${name}`;
  await host.writeFile(path, `#!/bin/bash\n${script}\n`, 0o755);
  return `--hook ${shellQuote(path)}`;
}
