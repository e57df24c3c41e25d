/**
 * Ctrl-C and its kin: they ask the role to stop; what that means is the role's to decide.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const SIGHUP_BIT = 1n;

/**
 * Runs `work` with a signal that is aborted by SIGINT, SIGTERM or a terminal that goes away.
 *
 * Without this a dropped ssh session or Ctrl-C would kill phaul: the tree would survive, but the
 * destination would be left to find that out by itself.
 *
 * @param work What can be stopped; `hurry` is aborted by a second signal. The reason of both is a
 * {@linkcode PhaulError} "cancelled".
 * @param onStop Told about each signal that arrives; `first` only for the first.
 * @param onAsk Called at each SIGUSR1, by which somebody asks how things stand.
 */
export async function stoppable<T>(
  work: (signal: AbortSignal, hurry: AbortSignal) => Promise<T>,
  onStop: (name: string, first: boolean) => void,
  onAsk: () => void = () => {},
): Promise<T> {
  const controller = new AbortController();
  const hurry = new AbortController();
  const hangUpIgnored = await isHangUpIgnored();
  const listeners = SIGNALS.map((name) => {
    const listener = () => {
      if (name === "SIGHUP" && hangUpIgnored) return;
      onStop(name, !controller.signal.aborted);
      const reason = new PhaulError("cancelled", `Cancelled by ${name}`);
      if (controller.signal.aborted) hurry.abort(reason);
      controller.abort(reason);
    };
    Deno.addSignalListener(name, listener);
    return () => Deno.removeSignalListener(name, listener);
  });
  Deno.addSignalListener("SIGUSR1", onAsk);
  listeners.push(() => Deno.removeSignalListener("SIGUSR1", onAsk));
  try {
    return await work(controller.signal, hurry.signal);
  } finally {
    for (const remove of listeners) remove();
  }
}

/**
 * Whether `nohup` or the like had SIGHUP ignored. It takes a listener to keep it so: with none, Deno's
 * own handling of signals lets it end the program.
 */
async function isHangUpIgnored(): Promise<boolean> {
  const status = await Deno.readTextFile("/proc/self/status");
  const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return mask !== undefined && (BigInt(`0x${mask}`) & SIGHUP_BIT) !== 0n;
}
