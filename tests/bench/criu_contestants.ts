/** CRIU without phaul: by a client of the benchmark's own, and by a script as one finds them. */

import { parseDumpStats } from "../../src/criu/stats.ts";
import type { Contestant, Task } from "./contestant.ts";
import type { Course, Iteration } from "./figures.ts";

const PAGE_BYTES = 4096;
const PORT = 7299;

interface Moment {
  readonly event: string;
  readonly iteration: number;
  readonly us: number;
}

/** How vm/workloads/bench_client.c is used: with these flags, and so many pre-dumps. */
export interface ClientUse {
  readonly flags: (task: Task) => string;
  readonly preDumps: (task: Task) => number;
}

/** A contestant that is the benchmark's client. */
export function clientWith(
  about: Pick<Contestant, "name" | "what" | "quick" | "usual">,
  use: ClientUse,
): Contestant {
  return { ...about, move: (task) => moveByClient(task, use) };
}

/** A contestant that is the script below. */
export function naiveScript(
  about: Pick<Contestant, "name" | "what" | "quick" | "usual">,
): Contestant {
  return { ...about, move: moveByScript };
}

async function moveByClient(task: Task, use: ClientUse): Promise<Course> {
  const { ground, pid, dir } = task;
  const { source, destination } = ground.inits;
  const what = `--pid ${pid} --from ${source} --to ${destination} --dir ${dir}`;
  const preDumps = ground.preDumps ? use.preDumps(task) : 0;
  const said = await ground.run(
    "around",
    `${ground.programs}/bench_client ${what} --criu ${ground.criu} --pre-dumps ${preDumps} \\
  ${use.flags(task)}`,
  );
  return await courseOf(task, momentsIn(said), preDumps + 1, dir);
}

/** Step after step, each by a criu of its own, pages over TCP, and images copied: what people write. */
async function moveByScript(task: Task): Promise<Course> {
  const { ground, dir } = task;
  const preDumps = ground.preDumps ? task.preDumps : 0;
  const { source, destination } = ground.inits;
  const said = await ground.run(
    "around",
    `set -e
export CRIU_FAULT=130
on() { nsenter -t $1 -p -m -n -u -i -- "\${@:2}"; }
say() { on ${source} ${ground.programs}/bench_ctl moment $1 $2; }
for i in $(seq ${preDumps + 1}); do
  mkdir -p ${dir}/from/$i ${dir}/to/$i
  parent=; [ $i = 1 ] || parent="--prev-images-dir ../$((i - 1)) --track-mem"
  on ${destination} ${ground.criu} page-server -D ${dir}/to/$i \${parent%--track-mem} \\
    --port ${PORT} --daemon
  what=dump; [ $i -gt ${preDumps} ] || what=pre-dump
  say $what-begin $i
  [ $what = dump ] || parent="$parent --track-mem"
  on ${source} ${ground.criu} $what -t ${task.pid} -D ${dir}/from/$i $parent --page-server \\
    --address ${ground.address} --port ${PORT} --manage-cgroups=ignore >&2
  [ $what = pre-dump ] || say post-dump $i
  say $what-end $i
done
cp ${dir}/from/$i/*.img ${dir}/to/$i/
on ${destination} ${ground.criu} restore -d -D ${dir}/to/$i --manage-cgroups=ignore >&2
say restored $i`,
  );
  return await courseOf(task, momentsIn(said), preDumps + 1, `${dir}/from`);
}

function momentsIn(text: string): Moment[] {
  return text.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}

async function courseOf(
  { ground }: Task,
  moments: readonly Moment[],
  count: number,
  images: string,
): Promise<Course> {
  const at = (event: string, iteration: number) =>
    moments.find((moment) => moment.event === event && moment.iteration === iteration)?.us;
  const numbers = Array.from({ length: count }, (_, n) => n + 1);
  const stats = await Promise.all(numbers.map(async (n) => {
    const text = await ground.run("around", `base64 -w0 ${images}/${n}/stats-dump`);
    return parseDumpStats(Uint8Array.from(atob(text.trim()), (char) => char.charCodeAt(0)));
  }));
  const iterations = numbers.map((n): Iteration => {
    const final = n === count;
    const [begin, end] = final ? ["dump-begin", "post-dump"] : ["pre-dump-begin", "pre-dump-end"];
    return { beginUs: at(begin ?? "", n) ?? 0, endUs: at(end ?? "", n) ?? 0, final };
  });
  const pages = stats.reduce(
    (sum, { pagesWritten, shpagesWritten }) => sum + pagesWritten + shpagesWritten,
    0,
  );
  return {
    beganUs: iterations[0]?.beginUs ?? 0,
    endedUs: moments.at(-1)?.us ?? 0,
    iterations,
    frozenMs: (stats.at(-1)?.frozenTimeUs ?? 0) / 1000,
    sentBytes: pages * PAGE_BYTES,
  };
}
