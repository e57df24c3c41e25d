/**
 * Takes a unit out of systemd's hands for as long as its main process is being moved, and for good once
 * it is gone.
 *
 * @module
 */

import {
  cannotRelease,
  commandToReload,
  dropInOf,
  managerOf,
  quote,
  runSystemctl,
  type ServiceUnit,
  showUnit,
  type SystemctlRunner,
} from "./systemd.ts";

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
  readonly dropIn?: { readonly directory: string; readonly path: string };
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
  const restore = async () => {
    await Deno.remove(dropIn.path);
    // Others may have drop-ins there too.
    await Deno.remove(dropIn.directory).catch(() => {});
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

/** Tells whoever finds the file what it is and how to undo it. */
function textFor(unit: ServiceUnit, path: string): string {
  return "# Made by phaul migrate --release-unit: the main process of this unit moves to another host,\n" +
    "# or has moved, and nothing may start or end anything in its name on this one.\n" +
    `# To undo it: rm ${quote(path)} && ${commandToReload(unit)}\n` + SETTINGS;
}
