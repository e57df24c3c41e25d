/** Checks a program, moves it, and holds the one against the other. */

import { hostCriu } from "../../tools/host_criu.ts";
import type { PhaulEvent, PhaulRun } from "../integration/host/phaul.ts";
import { World } from "../integration/host/world.ts";
import type { Ground, Program } from "./programs.ts";

/** Where CRIU cannot track dirty memory this is found of every tree, and stops none. */
const STANDING = "dirty-tracking";

/** What became of one program. */
export interface Outcome {
  readonly program: Program;
  /** Codes of what `phaul check` found, the worst first; notes left out. */
  readonly blockers: readonly string[];
  readonly warnings: readonly string[];
  /** How `phaul migrate` ended: `moved`, or the code of its failure. */
  readonly migrated: string;
  /** The same with each blocker passed over; absent where there was none. */
  readonly regardless?: string;
  /** What is wrong: a failure that nobody foresaw, or a blocker that was none. */
  readonly wrong?: string;
}

/** Moves `program` between two hosts of this machine, on each of which it has to work. */
export async function perform(program: Program): Promise<Outcome> {
  // The newest there is: older ones do not know the sockets of new kernels.
  const criu = ["--criu", await hostCriu({ suite: "sid" })];
  await using world = await World.make();
  const dir = await Deno.makeTempDir({ prefix: "phaul-program-", dir: world.dir });
  const here: Ground = { host: world.alpha.host, dir };
  const there: Ground = { host: world.beta.host, dir };
  await Deno.chmod(world.dir, 0o755);
  await world.serve({ args: criu });
  const { pid } = await program.start(here);
  await program.use(here, 1);

  const findings = await check(world, pid, [...criu, ...program.flags]);
  const of = (severity: string) => [
    ...new Set(findings.filter((one) => one.severity === severity).map((one) => String(one.code))),
  ];
  const [blockers, warnings] = [of("blocker"), of("warning")];
  const migrate = async (...more: readonly string[]) => {
    const args = [...criu, ...program.flags, ...more];
    return await endOf(await world.startMigration({ pid }, { args }));
  };
  const migrated = await migrate();
  const skip = blockers.flatMap((code) => ["--skip-check", code]);
  const stopped = blockers.length > 0 && migrated !== "moved";
  const regardless = stopped ? await migrate(...skip) : undefined;

  const moved = [migrated, regardless].includes("moved");
  const works = await program.use(moved ? there : here, 2).then(() => undefined, String);
  const wrong = works !== undefined
    ? `it does not work on the ${moved ? "destination" : "source"}: ${works}`
    : blockers.length === 0 && warnings.every((code) => code === STANDING) && migrated !== "moved"
    ? "nothing was found, and it did not move"
    : blockers.length > 0 && moved
    ? "a blocker was found, and it moved all the same"
    : undefined;
  return { program, blockers, warnings, migrated, regardless, wrong };
}

async function check(
  world: World,
  pid: number,
  flags: readonly string[],
): Promise<readonly PhaulEvent[]> {
  const { alpha, beta } = world;
  const dirs = ["--state-dir", alpha.stateDir, "--work-dir", alpha.workDir];
  const peer = ["--peer", beta.address, "--token-file", `${beta.stateDir}/join-token`];
  const run = await world.phaul(alpha, [
    ...["check", "--json", "--pid", String(pid)],
    ...[...peer, ...dirs, ...flags],
  ]);
  await run.code;
  const events = await run.events();
  if (!events.some(({ event }) => event === "report")) throw new Error(await run.said());
  return events.filter(({ event }) => event === "finding");
}

async function endOf(run: PhaulRun): Promise<string> {
  if (await run.code === 0) return "moved";
  const failed = (await run.events()).find(({ event }) => event === "failed");
  return String(failed?.code);
}
