/**
 * Takes a unit out of systemd's hands for as long as its main process is being moved, and for good once
 * it is gone.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { commandAgainstRestart, commandToReload, type DropIn, dropInOf } from "./drop_in.ts";
import { PROC_ROOT, readText } from "./procfs.ts";
import {
  managerOf,
  parseServiceUnit,
  quote,
  runSystemctl,
  type ServiceUnit,
  showUnit,
  type SystemctlRunner,
} from "./systemctl.ts";

/** How each drop-in that releases a unit begins. */
const MARK = "# Made by phaul migrate --release-unit";

/**
 * What keeps systemd from doing anything in the unit's name. Restart=no is not all: an exit status can
 * force a restart; a timer, a socket or another unit can start it, which the condition forbids (but not
 * to Restart=); the watchdog takes a frozen process for a hung one; and commands that clean up after the
 * service would do so although it lives on elsewhere. Killed by CRIU is a clean end, so nothing that is
 * to happen at a failure does.
 */
const SETTINGS = `
[Unit]
ConditionPathExists=!/
FailureAction=none
SuccessAction=none
[Service]
Restart=no
RestartForceExitStatus=
RemainAfterExit=no
SuccessExitStatus=SIGKILL
ExecStop=
ExecStopPost=
WatchdogSec=0
RuntimeMaxSec=infinity
`;

/** A unit that systemd leaves alone. Disposing of it puts everything back, unless it was kept. */
export interface ReleasedUnit extends AsyncDisposable {
  /** The process moved, or may have: the unit stays released. */
  keep(): void;
}

/** How {@linkcode releaseUnit} works. */
export interface ReleaseOptions {
  /** The process that is to be moved, for messages. */
  readonly pid: number;
  readonly systemctl?: SystemctlRunner;
  /** The drop-in, instead of the one in /run. */
  readonly dropIn?: DropIn;
  /** Told what could not be put back. */
  warn(message: string): void;
}

/**
 * Releases `unit` by a drop-in below /run: gone at the next boot, and while it is there the service
 * itself runs as before. Whoever dies now leaves just that.
 *
 * @throws PhaulError `supervised` when systemd does not take it; nothing is changed then
 */
export async function releaseUnit(
  unit: ServiceUnit,
  options: ReleaseOptions,
): Promise<ReleasedUnit> {
  const { pid, systemctl = runSystemctl, dropIn = dropInOf(unit) } = options;
  const reload = () => systemctl([...managerOf(unit), "daemon-reload"]);
  const before = readText(dropIn.path);
  const restore = async () => {
    // One that an earlier migration left behind, when it was killed, is not to come back.
    if (before === undefined || before.startsWith(MARK)) await removeDropIn(dropIn);
    else await Deno.writeTextFile(dropIn.path, before);
    await reload();
  };
  try {
    await Deno.mkdir(dropIn.directory, { recursive: true });
    await Deno.writeTextFile(dropIn.path, textFor(unit, dropIn.path));
    await reload();
    const { restart } = await showUnit(unit, systemctl);
    if (restart !== "no") throw new Error(`something overrules "${dropIn.path}"`);
  } catch (error) {
    await restore().catch(() => {});
    throw cannotRelease(pid, unit, error instanceof Error ? error.message : String(error));
  }
  let kept = false;
  return {
    keep: () => void (kept = true),
    async [Symbol.asyncDispose]() {
      if (kept) return;
      await restore().catch(() => options.warn(`Cannot give unit ${unit.name} back to systemd`));
    },
  };
}

/** Where {@linkcode giveBackUnit} looks, and what it runs; this host's unless a test says otherwise. */
export interface GiveBackSources {
  readonly systemctl?: SystemctlRunner;
  readonly procRoot?: string;
  readonly dropIn?: DropIn;
}

/**
 * Gives the unit of process `pid` back to systemd, if a migration that died has left it released and the
 * process stays here after all.
 *
 * @returns warnings, when that cannot be done here
 */
export async function giveBackUnit(pid: number, sources: GiveBackSources = {}): Promise<string[]> {
  const { systemctl = runSystemctl, procRoot = PROC_ROOT } = sources;
  const unit = parseServiceUnit(readText(`${procRoot}/${pid}/cgroup`) ?? "");
  if (unit === undefined) return [];
  const { dropIn = dropInOf(unit) } = sources;
  const warnings = warningsOfRelease(unit, dropIn.path);
  if (warnings.length === 0) return [];
  try {
    await removeDropIn(dropIn);
    await systemctl([...managerOf(unit), "daemon-reload"]);
    return [];
  } catch {
    return warnings;
  }
}

/**
 * A warning when a migration that was killed has left `unit` released.
 *
 * @param path The drop-in, instead of the one in /run.
 */
export function warningsOfRelease(unit: ServiceUnit, path: string = dropInOf(unit).path): string[] {
  if (!readText(path)?.startsWith(MARK)) return [];
  return [
    `An earlier phaul migrate has released unit ${unit.name} and left it so: ` +
    `${commandToGiveBack(unit, path)} gives it back to systemd`,
  ];
}

/** The error for a unit that cannot be released. */
export function cannotRelease(pid: number, unit: ServiceUnit, why: string): PhaulError {
  return new PhaulError(
    "supervised",
    `Cannot migrate process ${pid}: its systemd unit ${unit.name} cannot be released: ${why}`,
    { remedy: `Release it by hand, then leave --release-unit out: ${commandAgainstRestart(unit)}` },
  );
}

/** Tells whoever finds the file what it is and how to undo it. */
function textFor(unit: ServiceUnit, path: string): string {
  return `${MARK}: the main process of this unit moves to another host,\n` +
    "# or has moved, and nothing may start or end anything in its name on this one.\n" +
    `# To undo it: ${commandToGiveBack(unit, path)}\n` + SETTINGS;
}

function commandToGiveBack(unit: ServiceUnit, path: string): string {
  return `rm ${quote(path)} && ${commandToReload(unit)}`;
}

async function removeDropIn(dropIn: DropIn): Promise<void> {
  await Deno.remove(dropIn.path);
  // Others may have drop-ins there too.
  await Deno.remove(dropIn.directory).catch(() => {});
}
