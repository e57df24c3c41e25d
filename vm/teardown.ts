/**
 * Nothing of a run stays behind. Three nets, because each alone has a hole:
 * 1. `await using` in the ordinary case;
 * 2. signal handlers, for Ctrl-C and SIGTERM: they kill the guests, then die of the same signal;
 * 3. for a harness that is killed outright: guests start under PR_SET_PDEATHSIG, and a watchdog
 *    process, whose stdin the harness holds open, removes the working directory at its EOF.
 */

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Work to do at once when a signal ends the harness; must not wait for anything. */
type EmergencyStop = () => void;

const stops = new Set<EmergencyStop>();
const listeners = new Map<Deno.Signal, () => void>();

/** Runs `stop` if a signal ends the harness before the returned value is disposed. */
export function onSignal(stop: EmergencyStop): Disposable {
  if (stops.size === 0) listen();
  stops.add(stop);
  return {
    [Symbol.dispose]() {
      stops.delete(stop);
      if (stops.size === 0) unlisten();
    },
  };
}

function listen(): void {
  for (const signal of SIGNALS) {
    const listener = () => {
      for (const stop of stops) stop();
      unlisten();
      Deno.kill(Deno.pid, signal);
    };
    listeners.set(signal, listener);
    Deno.addSignalListener(signal, listener);
  }
}

function unlisten(): void {
  for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
  listeners.clear();
}

/** A directory that is removed when it is disposed or when this process ends in whatever way. */
export class WorkDir implements AsyncDisposable {
  readonly path: string;
  readonly #watchdog: Deno.ChildProcess;

  private constructor(path: string, watchdog: Deno.ChildProcess) {
    this.path = path;
    this.#watchdog = watchdog;
  }

  /** Makes the directory, readable by its owner only, and starts its watchdog. */
  static async make(): Promise<WorkDir> {
    const path = await Deno.makeTempDir({ prefix: "phaul-vm-" });
    // A session of its own: Ctrl-C on the terminal must not reach it.
    const watchdog = new Deno.Command("setsid", {
      args: ["sh", "-c", 'cat >/dev/null; rm -rf "$0" || { sleep 1; rm -rf "$0"; }', path],
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    return new WorkDir(path, watchdog);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watchdog.stdin.close();
    await this.#watchdog.status;
  }
}
