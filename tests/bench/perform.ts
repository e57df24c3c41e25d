/** One run: a victim starts, a contestant moves it, and everything about it is looked at. */

import type { Contestant } from "./contestant.ts";
import { evaluate, WATCHED_MS } from "./evaluate.ts";
import type { Course, Gap, Result, Verdict } from "./figures.ts";
import type { Ground } from "./ground.ts";
import type { VictimKind } from "./victims.ts";

/** What is to be run. */
export interface Run {
  readonly ground: Ground;
  readonly victim: VictimKind;
  readonly contestant: Contestant;
  /** How many pre-dumps those make who do not decide it themselves. */
  readonly preDumps: number;
  /** How far apart they begin. */
  readonly paceMs: number;
  readonly repetition: number;
}

/** Shorter pauses are those of any process on a machine that does something else, too. */
const MIN_GAP_US = 1500;
/** Long enough for a rewriter to have been everywhere once. */
const SETTLED_S = 1.1;

let runs = 0;

/** A result, and what those who are compared with it have to do likewise. */
export interface Performed extends Result {
  readonly likewise?: { readonly preDumps: number; readonly paceMs: number };
}

/** Runs it. Never throws for what a contestant does: that is a trouble of the result. */
export async function perform(run: Run): Promise<Performed> {
  const { ground, victim, contestant, repetition } = run;
  const { name, family, memoryMb } = victim;
  const about = { ground: ground.title, place: ground.place, victim: name, family, memoryMb };
  const dir = `${ground.dir}/bench-${++runs}`;
  try {
    const pid = await startVictim(run, dir);
    const { preDumps, paceMs } = run;
    const course = await contestant.move({ ground, pid, dir: `${dir}/run`, preDumps, paceMs });
    await ground.run("around", `sleep ${WATCHED_MS / 1000}`);
    const gaps = await gapsOf(run, dir, course);
    const figures = evaluate(course, gaps, memoryMb);
    const troubles = await troublesOf(run, dir);
    const likewise = { preDumps: course.iterations.length - 1, paceMs: paceOf(course) };
    return { ...about, contestant: contestant.name, repetition, figures, troubles, likewise };
  } catch (error) {
    const troubles = [error instanceof Error ? error.message : String(error)];
    return { ...about, contestant: contestant.name, repetition, troubles };
  } finally {
    await clearAway(ground, dir);
  }
}

/** From the beginning of the last pre-dump to that of the final dump: what is rewritten then is dirty. */
function paceOf({ iterations }: Course): number {
  const [before, final] = iterations.slice(-2);
  return before && final ? Math.round((final.beginUs - before.beginUs) / 1000) : 0;
}

/** Pids differ from run to run: what a failed one left behind is in nobody's way. */
async function startVictim({ ground, victim }: Run, dir: string): Promise<number> {
  const firstPid = 2000 + (runs % 100) * 200;
  await ground.run("around", `mkdir -p ${dir}/run`);
  const pid = await ground.run(
    "source",
    `echo ${firstPid} >/proc/sys/kernel/ns_last_pid
${ground.programs}/bench_victim --file ${dir}/stamps ${victim.args}
sleep ${SETTLED_S}`,
  );
  return Number(pid);
}

async function gapsOf({ ground }: Run, dir: string, { beganUs }: Course): Promise<Gap[]> {
  const command = `${ground.programs}/bench_ctl gaps ${dir}/stamps ${beganUs} ${MIN_GAP_US}`;
  const { gaps }: { gaps: [number, number][] } = JSON.parse(await ground.run("around", command));
  return gaps.map(([atUs, lengthUs]) => ({ atUs, lengthUs }));
}

/** Every page is verified, and exactly one copy is there and ever ran. */
async function troublesOf({ ground, victim }: Run, dir: string): Promise<string[]> {
  const said = await ground.run("around", `${ground.programs}/bench_ctl verify ${dir}/stamps`);
  const verdict: Verdict = JSON.parse(said);
  // The bracket, for this command itself not to be one of those that it finds.
  const look = `ps -eo stat=,args= | grep -c '^[^ZX].*[b]ench_victim --file ${dir}/' || true`;
  const [here, there] = [
    Number(await ground.run("source", look)),
    Number(await ground.run("destination", look)),
  ];
  const { processes, badPages, stalePages, doubledSteps } = verdict;
  const expectations: readonly (readonly [string, unknown, unknown])[] = [
    ["processes that answer", verdict.answered, victim.processes],
    ["processes", processes, victim.processes],
    ["damaged pages", badPages, 0],
    ["pages that were stale", stalePages, 0],
    ["steps of two copies at once", doubledSteps, 0],
    ["processes left on the source", here, 0],
    ["processes on the destination", there, victim.processes],
  ];
  return expectations.filter(([, found, expected]) => found !== expected)
    .map(([what, found, expected]) => `${what}: ${found}, not ${expected}`);
}

async function clearAway(ground: Ground, dir: string): Promise<void> {
  // Whatever is named after the run: victims, a phaul that was given up, its criu.
  const kill = `pkill -9 -f '${dir.replace(/bench-(\d+)$/, "[b]ench-$1")}/'; true`;
  await ground.run("source", kill).catch(() => {});
  await ground.run("destination", kill).catch(() => {});
  await ground.run("around", `rm -rf ${dir}`).catch(() => {});
}
