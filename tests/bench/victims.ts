/** What is moved: the processes of the benchmark, by name. */

import type { Place } from "./ground.ts";

/** One of them. */
export interface VictimKind {
  readonly name: string;
  /** Of all its processes together. */
  readonly memoryMb: number;
  /** For vm/workloads/bench_victim.c. */
  readonly args: string;
  readonly processes: number;
  /** Where it is worth its time. */
  readonly places: readonly Place[];
  /** Whether CI moves it too. */
  readonly quick: boolean;
  /** Its bar in the chart: kinds that differ by their size alone. */
  readonly family: string;
}

const BOTH: readonly Place[] = ["lane", "host"];
const SIZES_MB = [16, 128, 512] as const;
const WRITES = "--hot 25 --every 500";

/** All of them. */
export const VICTIMS: readonly VictimKind[] = [
  ...SIZES_MB.flatMap((size) => [
    kind(`idle-${size}`, "idle", size, ""),
    kind(`writer-${size}`, "writer", size, WRITES, { quick: size === 16 }),
  ]),
  kind("idle-2048", "idle", 2048, "", { places: ["host"] }),
  kind("writer-2048", "writer", 2048, WRITES, { places: ["host"] }),
  kind("slow-128", "slow", 128, "--hot 5 --every 1000"),
  kind("never-64", "never", 64, "--hot 100 --every 100"),
  kind("tree-128", "tree", 128, `--processes 32 ${WRITES}`, { processes: 32 }),
  kind("shared-128", "shared", 128, `--shared ${WRITES}`),
  kind("scattered-128", "scattered", 128, `--scatter ${WRITES}`),
];

function kind(
  name: string,
  family: string,
  memoryMb: number,
  args: string,
  more: Partial<VictimKind> = {},
): VictimKind {
  const usual = { processes: 1, places: BOTH, quick: false };
  return { ...usual, name, family, memoryMb, args: `--size ${memoryMb} ${args}`.trim(), ...more };
}
