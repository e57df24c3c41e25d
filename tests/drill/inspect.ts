/** What there is on both hosts of a ground: copies of a workload, and what migrations left. */

import type { DrillHost, Ground } from "./ground.ts";
import type { Expected } from "./row.ts";

/** What was found, by the host's name where that matters. */
export interface Inspection {
  readonly running: readonly string[];
  /** Stopped copies, images, journals and criu processes, each with its host. */
  readonly left: readonly string[];
}

/** A file that the drill itself puts on a disk to fill it. */
export const FILLER = "filler";

/** Looks at both hosts; `mark` is by what the workload's processes are known. */
export async function inspect(
  { alpha, beta }: Ground,
  mark: string,
  expected: Expected,
): Promise<Inspection> {
  const both = await Promise.all([alpha, beta].map((host) => look(host, mark)));
  const [source, destination] = both.map(({ left }) => left);
  return {
    running: both.flatMap(({ running }) => running),
    // A destination keeps the images of a copy whose memory never came.
    left: [
      ...source ?? [],
      ...(destination ?? []).filter((what) =>
        expected !== "lost" || !what.startsWith(beta.workDir)
      ),
    ],
  };
}

/** Everything is as if there had been no fault: one copy, or none, and nothing else. */
export function isSettled({ running, left }: Inspection, gone: boolean): boolean {
  return left.length === 0 && running.length === (gone ? 0 : 1);
}

async function look(host: DrillHost, mark: string): Promise<Inspection> {
  const { name } = host;
  const processes = await host.processes();
  const copy = processes.filter(({ command }) => command.includes(mark));
  const runs = copy.some(({ state }) => !/[TtZX]/.test(state));
  const criu = processes.filter(({ command }) => command.includes(" swrk "));
  const files = await filesOf(host);
  return {
    running: runs ? [name] : [],
    left: [
      ...(copy.length > 0 && !runs ? [`a stopped copy on ${name}`] : []),
      ...criu.map(({ pid }) => `criu ${pid} on ${name}`),
      ...files.map((path) => `${path} on ${name}`),
    ],
  };
}

/**
 * Images, and journals that are not at their end; by the host itself, on whose disks they lie. A
 * destination keeps the journal of a tree that it runs until the source has told that it knows.
 */
async function filesOf(host: DrillHost): Promise<string[]> {
  const images = await host.run("find", host.workDir, "-mindepth", "1", "-maxdepth", "1");
  const journals = await host.run("grep", "-rL", "CONTINUED", `${host.stateDir}/migrations`);
  return `${images}\n${journals}`.split("\n").filter((path) =>
    path !== "" && !path.endsWith(`/${FILLER}`)
  );
}
