/**
 * What systemd would do to a unit whose main process is killed by a migration.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { commandAgainstRestart } from "./drop_in.ts";
import type { TreeProcess } from "./listing.ts";
import { PROC_ROOT, readText } from "./procfs.ts";
import {
  managerOf,
  parseServiceUnit,
  quote,
  type ServiceUnit,
  showUnit,
  type SystemctlRunner,
  type UnitState,
} from "./systemctl.ts";
import { cannotRelease, warningsOfRelease } from "./unit_release.ts";

/** What systemd has to do with a tree. */
export interface Supervision {
  readonly warnings: readonly string[];
  /** The unit whose main process is in the tree, if it is to be released before the freeze. */
  readonly unit?: ServiceUnit;
}

/** How {@linkcode examineUnit} looks. */
export interface UnitSources {
  readonly systemctl: SystemctlRunner;
  readonly procRoot?: string;
  /** The unit will be released before the freeze: that it would be started again is no objection. */
  readonly release?: boolean;
}

/**
 * Refuses a tree with the main process of a unit that systemd would restart, unless it is to be released.
 *
 * @returns with warnings where systemd cannot be asked, where the tree is another part of a unit, and
 * where something else may start the unit again
 * @throws PhaulError `supervised`
 */
export async function examineUnit(
  processes: readonly TreeProcess[],
  sources: UnitSources,
): Promise<Supervision> {
  const root = processes[0];
  const text = readText(`${sources.procRoot ?? PROC_ROOT}/${root?.pid}/cgroup`) ?? "";
  const unit = parseServiceUnit(text);
  if (root === undefined || unit === undefined) return { warnings: [] };
  let shown: UnitState;
  try {
    shown = await showUnit(unit, sources.systemctl);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (sources.release) throw cannotRelease(root.pid, unit, why);
    return { warnings: [`Cannot ask systemd whether it restarts unit ${unit.name}: ${why}`] };
  }
  // Without a main process the unit fails, and restarts, as soon as its last process is gone.
  const isMain = shown.mainPid === 0 || processes.some(({ pid }) => pid === shown.mainPid);
  if (!isMain) return { warnings: warningsOfPart(root.pid, unit, shown) };
  if (sources.release) return { unit, warnings: warningsOfBoot(unit, shown) };
  if (shown.restart === "no") {
    return { warnings: [...warningsOfTriggers(unit, shown), ...warningsOfRelease(unit)] };
  }
  throw new PhaulError(
    "supervised",
    `Cannot migrate process ${root.pid}: it runs as systemd unit ${unit.name} with ` +
      `Restart=${shown.restart}, so a second copy would be started on this host`,
    {
      remedy: "Let phaul see to it with --release-unit, or switch the restart off until the next " +
        `boot: ${commandAgainstRestart(unit)}`,
    },
  );
}

function warningsOfPart(pid: number, unit: ServiceUnit, { restart, mainPid }: UnitState): string[] {
  if (restart === "no") return [];
  return [
    `Process ${pid} is part of systemd unit ${unit.name} but not its main process ` +
    `(${mainPid}), which may start another in its place`,
  ];
}

function warningsOfTriggers(unit: ServiceUnit, { triggeredBy }: UnitState): string[] {
  if (triggeredBy === "") return [];
  return [
    `A second copy is started on this host as soon as ${triggeredBy} starts unit ${unit.name} ` +
    "again: --release-unit prevents it",
  ];
}

function warningsOfBoot(unit: ServiceUnit, { enabled }: UnitState): string[] {
  if (!enabled) return [];
  return [
    `Unit ${unit.name} is started again at this host's next boot, unless that is switched off: ` +
    ["systemctl", ...managerOf(unit), "disable", quote(unit.name)].join(" "),
  ];
}
