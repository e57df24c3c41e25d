/** What one run of the benchmark tells. Times in ms unless their names say otherwise. */

/** A pause of the victim, by its own clock. */
export interface Gap {
  readonly atUs: number;
  readonly lengthUs: number;
}

/** A pre-dump or the final dump, as whoever drove CRIU saw it, by the victim's clock. */
export interface Iteration {
  readonly beginUs: number;
  readonly endUs: number;
  readonly final: boolean;
}

/** What a contestant knows when it has moved a victim. */
export interface Course {
  readonly beganUs: number;
  readonly endedUs: number;
  readonly iterations: readonly Iteration[];
  /** CRIU's figure. */
  readonly frozenMs?: number;
  readonly sentBytes?: number;
  /** Since the copy runs; undefined where there is nothing to drain. */
  readonly drainMs?: number;
  /** The switchover as it was predicted, where it was. */
  readonly predictedMs?: number;
  /** Processor time and peak memory of the contestant's processes, where it has any of its own. */
  readonly used?: { readonly source: Usage; readonly destination: Usage };
}

/** What the processes on one host used. */
export interface Usage {
  readonly cpuMs: number;
  readonly peakMib: number;
}

/** The victim's word after the move. */
export interface Verdict {
  readonly processes: number;
  readonly answered: number;
  readonly pages: number;
  readonly badPages: number;
  readonly stalePages: number;
  readonly doubledSteps: number;
  readonly host: string;
}

/** Figures of one run. */
export interface Figures {
  /** The longest time that the victim stood still. */
  readonly downtimeMs: number;
  readonly frozenMs?: number;
  /** From the end of the final dump until the victim ran again. */
  readonly afterDumpMs?: number;
  readonly stallsMs: readonly number[];
  readonly worstStallAfterMs: number;
  readonly drainMs: number;
  readonly wallMs: number;
  readonly sentBytes?: number;
  readonly sentPerMemory?: number;
  /** What the way of the pages carried, where all went at once. */
  readonly pagesMbPerS?: number;
  readonly predictedMs?: number;
  readonly used?: Course["used"];
}

/** What a plain TCP connection between the hosts of a ground carries. */
export interface Baseline {
  readonly ground: string;
  readonly tcpMbPerS: number;
}

/** A run and what came of it. */
export interface Result {
  readonly ground: string;
  readonly place: "lane" | "host";
  readonly victim: string;
  readonly family: string;
  readonly memoryMb: number;
  readonly contestant: string;
  readonly repetition: number;
  readonly figures?: Figures;
  /** What was not as it must be; a run without any has passed. */
  readonly troubles: readonly string[];
}

/** Everything that a run of the benchmark, or several on the same commit, told. */
export interface Report {
  /** Those that it was made by. */
  readonly commands: readonly string[];
  readonly results: readonly Result[];
  readonly baselines: readonly Baseline[];
}

/** Of several runs of the same the middle one, by its downtime. */
export function middle(results: readonly Result[]): Result | undefined {
  const sorted = results.filter(({ figures }) => figures !== undefined)
    .toSorted((a, b) => (a.figures?.downtimeMs ?? 0) - (b.figures?.downtimeMs ?? 0));
  return sorted[Math.floor((sorted.length - 1) / 2)];
}
