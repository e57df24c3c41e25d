/**
 * phaul's drop-in for a unit: a file below /run that systemd reads with the unit, gone at the next boot.
 *
 * @module
 */

import { managerOf, quote, type ServiceUnit } from "./systemctl.ts";

/**
 * A command that keeps a running unit from being restarted, without an editor and without touching
 * /etc. `systemctl set-property` cannot set Restart=, and `edit --stdin` is too new; systemd reads
 * Restart= when the process ends, so reloading a drop-in is enough. Drop-ins apply in the order of
 * their names, wherever they lie: hence the zz.
 */
export function commandAgainstRestart(unit: ServiceUnit): string {
  const { directory, path } = dropInOf(unit);
  return [
    `mkdir -p ${quote(directory)}`,
    `printf '[Service]\\nRestart=no\\n' > ${quote(path)}`,
    commandToReload(unit),
  ].join(" && ");
}

/** The command that makes systemd read a unit's drop-ins. */
export function commandToReload(unit: ServiceUnit): string {
  return ["systemctl", ...managerOf(unit), "daemon-reload"].join(" ");
}

/** Where a drop-in is. */
export interface DropIn {
  readonly directory: string;
  readonly path: string;
}

/** Where phaul's drop-in for a unit is, or would be. */
export function dropInOf(unit: ServiceUnit): DropIn {
  const base = unit.uid === undefined
    ? "/run/systemd/system"
    : `/run/user/${unit.uid}/systemd/user`;
  const directory = `${base}/${unit.name}.d`;
  return { directory, path: `${directory}/zz-phaul.conf` };
}
