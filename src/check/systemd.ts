/**
 * What systemd would do to a unit whose main process is killed by a migration.
 *
 * @module
 */

import { commandAgainstRestart } from "../proc/drop_in.ts";
import type { TreeProcess } from "../proc/listing.ts";
import { PROC_ROOT, readText } from "../proc/procfs.ts";
import {
  managerOf,
  parseServiceUnit,
  quote,
  type ServiceUnit,
  showUnit,
  type SystemctlRunner,
  type UnitState,
} from "../proc/systemctl.ts";
import { warningsOfRelease } from "../proc/unit_release.ts";
import type { Finding, Severity } from "./finding.ts";

/** What systemd has to do with a tree. */
export interface Supervision {
  readonly findings: readonly Finding[];
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
 * What systemd would do once a tree with a process of a unit has left: start the unit again, unless it
 * is to be released; and what else may start it again.
 */
export async function examineUnit(
  processes: readonly TreeProcess[],
  sources: UnitSources,
): Promise<Supervision> {
  const root = processes[0];
  const text = readText(`${sources.procRoot ?? PROC_ROOT}/${root?.pid}/cgroup`) ?? "";
  const unit = parseServiceUnit(text);
  if (root === undefined || unit === undefined) return { findings: [] };
  let shown: UnitState;
  try {
    shown = await showUnit(unit, sources.systemctl);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { findings: [silence(unit, why, sources.release ?? false)] };
  }
  // Without a main process the unit fails, and restarts, as soon as its last process is gone.
  const isMain = shown.mainPid === 0 || processes.some(({ pid }) => pid === shown.mainPid);
  if (!isMain) return { findings: findingsOfPart(root.pid, unit, shown) };
  if (sources.release) return { unit, findings: findingsOfBoot(unit, shown) };
  if (shown.restart === "no") {
    const left = warningsOfRelease(unit).map((message) => finding("warning", message));
    return { findings: [...findingsOfTriggers(unit, shown), ...left] };
  }
  const message = `it runs as systemd unit ${unit.name} with Restart=${shown.restart}, so a ` +
    "second copy would be started on this host";
  const remedy = "Let phaul see to it with --release-unit, or switch the restart off until the " +
    `next boot: ${commandAgainstRestart(unit)}`;
  return { findings: [finding("blocker", message, remedy)] };
}

function finding(severity: Severity, message: string, remedy?: string): Finding {
  return { code: "supervised", severity, message, remedy };
}

function silence(unit: ServiceUnit, why: string, release: boolean): Finding {
  if (!release) {
    return finding("warning", `systemd does not say whether it restarts unit ${unit.name}: ${why}`);
  }
  return finding(
    "blocker",
    `its systemd unit ${unit.name} cannot be released: ${why}`,
    `Release it by hand, then leave --release-unit out: ${commandAgainstRestart(unit)}`,
  );
}

function findingsOfPart(
  pid: number,
  unit: ServiceUnit,
  { restart, mainPid }: UnitState,
): Finding[] {
  if (restart === "no") return [];
  const message = `process ${pid} is part of systemd unit ${unit.name} but not its main process ` +
    `(${mainPid}), which may start another in its place`;
  return [finding("warning", message, `Move the whole unit: --pid ${mainPid}`)];
}

function findingsOfTriggers(unit: ServiceUnit, { triggeredBy }: UnitState): Finding[] {
  if (triggeredBy === "") return [];
  const message = `a second copy is started on this host as soon as ${triggeredBy} starts unit ` +
    `${unit.name} again`;
  return [finding("warning", message, "Add --release-unit, which prevents it")];
}

function findingsOfBoot(unit: ServiceUnit, { enabled }: UnitState): Finding[] {
  if (!enabled) return [];
  const remedy = ["systemctl", ...managerOf(unit), "disable", quote(unit.name)].join(" ");
  const message = `unit ${unit.name} is started again at this host's next boot`;
  return [finding("warning", message, `Switch that off: ${remedy}`)];
}
