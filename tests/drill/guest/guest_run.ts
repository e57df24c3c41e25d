/** A phaul in a guest. Its events go to a file there, where they are written at once. */

import type { GuestProcess } from "../../../vm/agent.ts";
import type { Host } from "../../../vm/host.ts";
import type { DrillEvent, DrillRun } from "../ground.ts";
import { DRILL_DIR, type GuestHost } from "./guest_host.ts";

/** As of a process that SIGKILL ended: the guest took it along. */
const GONE = 137;

let count = 0;

/** Wraps a phaul that {@linkcode startPhaul} started. */
export class GuestRun implements DrillRun {
  readonly pid: number;
  readonly code: Promise<number>;
  readonly #host: Host;
  readonly #process: GuestProcess;
  readonly #path: string;
  readonly #lost = Promise.withResolvers<number>();
  /** What was read last: after a reset there is no file any more. */
  #text = "";

  constructor(host: Host, process: GuestProcess, path: string) {
    this.pid = process.pid;
    this.code = Promise.race([
      process.ended.then(({ code }) => code, () => GONE),
      this.#lost.promise,
    ]);
    this.#host = host;
    this.#process = process;
    this.#path = path;
  }

  /** Its host was reset: nobody is left there to tell of its end. */
  lose(): void {
    this.#lost.resolve(GONE);
  }

  /** Whether it was started on that host. */
  isOn(host: Host): boolean {
    return this.#host === host;
  }

  async events(): Promise<readonly DrillEvent[]> {
    const read = await this.#host.run(`cat ${this.#path}`, { mayFail: true }).catch(() =>
      undefined
    );
    if (read?.code === 0) this.#text = read.stdout;
    return this.#text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  }

  said(): Promise<string> {
    return Promise.resolve(this.#process.stderr.text);
  }

  /** Waits until it has told of an event; a phaul that ends without it is an error. */
  async event(name: string): Promise<void> {
    let over = false;
    void this.code.then(() => over = true);
    for (;;) {
      const wasOver = over;
      if ((await this.events()).some(({ event }) => event === name)) return;
      if (wasOver) throw new Error(`phaul ended without "${name}": ${await this.said()}`);
    }
  }
}

/** Starts phaul with these arguments on a host that was prepared. */
export async function startPhaul(
  host: Host,
  where: GuestHost,
  args: readonly string[],
): Promise<GuestRun> {
  const path = `${DRILL_DIR}/out-${++count}`;
  const env = `LD_PRELOAD=${where.stopper} DRILL_STOP=${where.stopFile}`;
  const command = `exec env ${env} phaul ${args.join(" ")} >${path}`;
  return new GuestRun(host, await host.start(command, `phaul-${args[0]}`), path);
}
