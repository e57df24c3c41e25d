/**
 * What `deno task ok`, `test` and `test:...` run: lanes, in stages.
 *
 * @module
 */

import { BROWSER_LOCKED, exists, LOCKED, ROOT } from "./process.ts";

/** One Deno command and what its success means. */
export interface Lane {
  readonly name: string;
  /**
   * A check passes or fails as a whole; a test lane has a summary to read, and one that ran no test
   * has failed.
   */
  readonly kind: "check" | "test";
  /** Arguments for Deno. */
  readonly args: readonly string[];
  /** Its runs of phaul leave their transitions for the table at the end. */
  readonly traced: boolean;
}

/** Lanes that may run at the same time. */
export type Stage = readonly Lane[];

/** A run: what must be there first, and its stages. */
export interface Plan {
  /** Packages of the system that tests need are installed first. */
  readonly packages: boolean;
  /** dist/phaul is made first. */
  readonly binary: boolean;
  readonly stages: readonly Stage[];
}

/** The names of all plans. */
export const PLAN_NAMES = ["ok", "all", "unit", "cli", "browser", "integration", "vm"] as const;

/** The name of a plan. */
export type PlanName = (typeof PLAN_NAMES)[number];

/** The plan of that name; files are looked for, so that a new test is never left out. */
export async function planOf(name: PlanName): Promise<Plan> {
  switch (name) {
    case "ok":
      return { packages: false, binary: false, stages: await gate() };
    case "unit":
      return { packages: false, binary: false, stages: [[await unitLane()]] };
    case "cli":
      return { packages: false, binary: true, stages: [[cliLane()]] };
    case "browser":
      return { packages: true, binary: false, stages: [[browserLane()]] };
    case "integration":
      return { packages: true, binary: true, stages: [[integrationLane()]] };
    case "vm":
      return { packages: true, binary: true, stages: await scenarioStages() };
    case "all":
      return {
        packages: true,
        binary: true,
        stages: [
          ...await gate(),
          [cliLane()],
          [browserLane()],
          [integrationLane()],
          ...withBench(await scenarioStages()),
          [drillLane()],
        ],
      };
    default:
      throw new TypeError(`Unknown: ${name satisfies never}`);
  }
}

async function gate(): Promise<Stage[]> {
  return [
    [
      { name: "format", kind: "check", args: ["fmt", "--check", "--quiet"], traced: false },
      { name: "lint", kind: "check", args: ["lint", "--quiet"], traced: false },
    ],
    [{ name: "types", kind: "check", args: ["check", "--quiet", ...LOCKED], traced: false }],
    [testLane("style", ["tests/style"])],
    [await unitLane()],
    [docLane(await documented())],
  ];
}

async function unitLane(): Promise<Lane> {
  const fuzz = await exists(`${ROOT}tests/fuzz`) ? ["tests/fuzz"] : [];
  return testLane("unit", ["tests/unit", ...fuzz]);
}

function docLane(files: readonly string[]): Lane {
  return testLane("doc", files.length === 0 ? [] : ["--doc", ...files]);
}

/** Files with examples in their JSDoc. Only those: `--doc` loads every file that it is given. */
async function documented(): Promise<string[]> {
  const sources = await filesBelow("src", ".ts");
  const found = await Promise.all(sources.map(async (path) => {
    const text = await Deno.readTextFile(`${ROOT}${path}`);
    return /^ *\* ```ts$/m.test(text) ? [path] : [];
  }));
  return found.flat();
}

function cliLane(): Lane {
  return testLane("cli", ["tests/cli"], true);
}

/** With a lock of its own: what deno.lock names is in the binary, and this is for tests only. */
function browserLane(): Lane {
  const args = ["test", "--quiet", "--allow-all", ...BROWSER_LOCKED, "tests/browser"];
  return { name: "browser", kind: "test", args, traced: false };
}

function integrationLane(): Lane {
  return testLane("integration", ["tests/integration"], true);
}

/**
 * A program of its own, with a summary of its own; it saves its transitions itself. Thin: the ordinary
 * run alone takes longer than all other lanes may. Its seed is fixed
 * unless a later flag says otherwise: a test that fails should fail again.
 */
function drillLane(): Lane {
  const args = ["run", "--allow-all", "--quiet", ...LOCKED, "tools/drill.ts"];
  return { name: "drill", kind: "test", args: [...args, "--thin", "--seed", "1"], traced: true };
}

/** What is moved arrives whole and once; how long it takes fails nothing. */
function benchLane(): Lane {
  const args = ["run", "--allow-all", "--quiet", ...LOCKED, "tools/bench.ts", "--quick"];
  return { name: "bench", kind: "test", args, traced: false };
}

/**
 * The benchmark runs beside the tests of the harness: its guest goes by the instructions it executes,
 * however busy the machine is. Scenarios and migrations on this host go by their deadlines, and share
 * the machine with nothing.
 */
function withBench(stages: readonly Stage[]): Stage[] {
  const beside = (stage: Stage) => stage.some(({ name }) => name === "harness");
  return stages.map((stage) => beside(stage) ? [benchLane(), ...stage] : [...stage]);
}

/** Scenarios in one guest first: they tell sooner that something is broken. */
async function scenarioStages(): Promise<Stage[]> {
  const scenarios = await filesBelow("vm/scenarios", "_test.ts");
  const oneGuest = scenarios.filter((path) => path.includes("lane"));
  const twoGuests = scenarios.filter((path) => !path.includes("lane"));
  const others = (await filesBelow("vm", "_test.ts")).filter((path) => !scenarios.includes(path));
  const harness = others.length > 0 ? [[testLane("harness", others)]] : [];
  return [
    ...harness,
    [testLane("one-guest", oneGuest, true)],
    [testLane("two-guests", twoGuests, true)],
  ];
}

function testLane(name: string, what: readonly string[], traced: boolean = false): Lane {
  const args = ["test", "--quiet", "--allow-all", ...LOCKED, ...what];
  // Without a file Deno would test everything it finds.
  return { name, kind: "test", args: what.length === 0 ? [] : args, traced };
}

async function filesBelow(folder: string, ending: string): Promise<string[]> {
  if (!await exists(`${ROOT}${folder}`)) return [];
  const files: string[] = [];
  for await (const entry of Deno.readDir(`${ROOT}${folder}`)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) files.push(...await filesBelow(path, ending));
    if (entry.isFile && entry.name.endsWith(ending)) files.push(path);
  }
  return files.sort();
}
