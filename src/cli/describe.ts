/**
 * What each event says to a person. Pure: text only.
 *
 * @module
 */

import type { Evidence } from "../errors.ts";
import type { HaulEvent } from "../haul/events.ts";
import type { HostAddress } from "../haul/options.ts";
import { count, showBytes, showMs } from "./figures.ts";

type EventOf<Name extends HaulEvent["event"]> = HaulEvent & { readonly event: Name };

/** How an event is shown. */
export type Line =
  /** A line that stays. */
  | { readonly kind: "line"; readonly text: string }
  /** Shown by the Meter, where a line can be redrawn. */
  | { readonly kind: "passing" }
  /** For programs only. */
  | { readonly kind: "none" };

const NOTHING: Line = { kind: "none" };
const PASSING: Line = { kind: "passing" };

/** The line for `event`. */
export function describe(event: HaulEvent): Line {
  switch (event.event) {
    case "listening":
      return line(describeListening(event));
    case "checked":
      return line(
        `Checked process ${event.pid} (${event.comm}): ` +
          `${count(event.processes, "process", "processes")}, ${showBytes(event.memoryBytes)}`,
      );
    case "admitted":
      return line(
        `Taking in process ${event.pid} (${event.comm}) from ${event.peer}: ` +
          `${count(event.processes, "process", "processes")}, ${showBytes(event.memoryBytes)}`,
      );
    case "connected":
      return line(`Connected to ${event.peer}`);
    case "iteration-begin":
    case "progress":
    case "files-progress":
      return PASSING;
    case "files":
      return event.files === 0 && event.sentBytes === 0 ? NOTHING : line(describeFiles(event));
    case "iteration-end":
      return line(describeIteration(event));
    case "predicted":
      return line(describePrediction(event));
    case "throttled":
      return line(
        event.cpuPercent === 100
          ? "The process has all its CPU time again"
          : `Throttled: the process is left ${event.cpuPercent} % of the CPU time that it used`,
      );
    case "converged":
      return line(describeStop(event.reason));
    case "frozen":
      return line("Frozen");
    case "prepared":
      return line("Prepared: the destination holds a stopped copy");
    case "committed":
      return line("Committed: from here on only the destination's copy can run");
    case "running":
      return line(
        event.pid === undefined
          ? "Running on the destination"
          : `Running, as process ${event.pid} of the destination`,
      );
    case "probed":
      return line(describeProbe(event));
    case "lending":
      return line(describeLending(event));
    case "draining":
      return PASSING;
    case "drained":
      return line("Drained: nothing is left to transfer");
    case "verified":
      return line(
        `The archive is whole: process ${event.pid} (${event.comm}), ` +
          `${count(event.processes, "process", "processes")}, ${showBytes(event.memoryBytes)}`,
      );
    case "aborted":
      return line(`Aborted: ${event.message}`);
    case "warning":
      return line(`Warning: ${event.message}`);
    case "reopened":
      return line(`Reopened: what a phaul that ended has left of ${event.comm} (${event.because})`);
    case "examined":
    case "destination-steps":
    case "transition":
      return NOTHING;
    default:
      return assertNever(event);
  }
}

/** What CRIU wrote about a failure, and where the whole of it lies. */
export function describeEvidence(evidence: Evidence | undefined): string[] {
  if (evidence === undefined) return [];
  const { lines, log, remote = false } = evidence;
  const host = remote ? "the destination" : "this host";
  const quoted = lines.length === 0
    ? []
    : [`CRIU's log on ${host} says:`, ...lines.map((text) => `  ${text}`)];
  return log === undefined ? quoted : [...quoted, `The whole log: ${log} on ${host}`];
}

/** `host:port`, with brackets around an IPv6 address. */
export function showAddress(address: HostAddress): string {
  return `${showHost(address.host)}:${address.port}`;
}

function showHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function line(text: string): Line {
  return { kind: "line", text };
}

function describeListening(event: EventOf<"listening">): string {
  const { directPort } = event;
  const direct = directPort === undefined ? "" : `; pages as plain text on port ${directPort}`;
  const where = `Listening on ${showAddress(event)}${direct}`;
  if (event.tokenFile === undefined) {
    return `${where} WITHOUT encryption or proof: anyone who reaches this port can send processes`;
  }
  return `${where}\nA source proves itself with the join token in ${event.tokenFile}: copy it to the ` +
    "source as root\n" +
    `(mode 0600), then there: phaul migrate --pid PID --peer THIS-HOST:${event.port} ` +
    "--token-file FILE";
}

function describeIteration(event: EventOf<"iteration-end">): string {
  const name = event.final ? "Final dump" : `Iteration ${event.iteration}`;
  const frozen = event.frozenTimeUs === undefined
    ? ""
    : `, frozen for ${showMs(event.frozenTimeUs / 1000)}`;
  const { bytes, sentBytes = bytes } = event;
  // What the framing adds is no news.
  const sent = sentBytes < bytes * 0.98 ? ` (${showBytes(sentBytes)} sent)` : "";
  return `${name}: ${count(event.pagesWritten, "page")}, ${showBytes(bytes)}${sent} in ` +
    `${showMs(event.durationMs)}${frozen}`;
}

function describeFiles({ phase, strategy, files, bytes, sentBytes, durationMs }: EventOf<"files">) {
  const when = phase === "final" ? " while frozen" : "";
  return `Files (${strategy})${when}: ${count(files, "file")}, ${showBytes(bytes)} ` +
    `(${showBytes(sentBytes)} sent) in ${showMs(durationMs)}`;
}

function describeProbe({ runs, passed, how }: EventOf<"probed">): string {
  const what = runs ? "The probe" : "The probe of the stopped copy";
  return passed ? `${what} passed` : `Warning: ${what.toLowerCase()} failed: its command ${how}`;
}

function describeLending({ bytes, predictedMs }: EventOf<"lending">): string {
  const forHowLong = predictedMs === undefined
    ? "for how long is not known"
    : `for about ${showMs(predictedMs)}`;
  return `From here on the process depends on both hosts, ${forHowLong}: ${
    showBytes(bytes)
  } of its ` +
    "memory follow once it runs on the destination";
}

function describePrediction(event: EventOf<"predicted">): string {
  const { switchoverMs, dirtyPages, maxDowntimeMs, fits } = event;
  return `Predicted: a switchover of ${showMs(switchoverMs)}, with ${count(dirtyPages, "page")}; ` +
    `${showMs(maxDowntimeMs)} ${fits ? "are allowed" : "are allowed, so not yet"}`;
}

function describeStop(reason: EventOf<"converged">["reason"]): string {
  switch (reason) {
    case "few-pages":
      return "Few pages are left: switching over";
    case "not-converging":
      return "The process writes faster than pages travel: switching over";
    case "iteration-limit":
      return "The limit of iterations is reached: switching over";
    case "fits-budget":
      return "The switchover fits what is allowed: switching over";
    case "not-improving":
      return "More iterations do not shorten the switchover: switching over";
    default:
      return assertNever(reason);
  }
}

function assertNever(value: never): never {
  throw new TypeError(`Unknown: ${JSON.stringify(value)}`);
}
