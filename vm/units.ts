/** systemd units in guests that have systemd as process 1: phaul's own, and services to be moved. */

import type { Host, Victim } from "./host.ts";
import { shareToken } from "./phaul.ts";

/** Where the shipped unit keeps its token. */
const TOKEN = "/var/lib/phaul/join-token";
const LISTENS = "until ss -Hltn 'sport = 7284' | grep -q .; do sleep 0.2; done";

/** Installs the shipped units on `host` as the documentation says to. */
export async function installUnits(host: Host): Promise<void> {
  await host.run(
    "install -D /lab/bin/phaul /usr/local/bin/phaul && " +
      "cp /lab/systemd/phaul-* /etc/systemd/system/ && systemctl daemon-reload",
  );
}

/** Starts phaul serve under its unit on `host`, waits until it listens and gives `source` its token. */
export async function startServeUnit(host: Host, source: Host): Promise<void> {
  await host.run(`systemctl start phaul-serve && ${LISTENS}`);
  await shareToken(source, host, TOKEN);
}

/** A service unit with a workload as its main process. */
export interface ServiceOptions {
  /** Of the unit, without its ending, and of the workload. */
  readonly name: string;
  readonly port: number;
  /** More lines for its section [Service]. */
  readonly lines?: readonly string[];
}

/**
 * Starts a piggie as a service of systemd; its pid is above `abovePid`. It writes nothing to the
 * journal: CRIU cannot take that connection along.
 */
export async function startService(
  host: Host,
  options: ServiceOptions,
  abovePid = 9000 + Math.floor(Math.random() * 20_000),
): Promise<Victim> {
  const { name, port, lines = [] } = options;
  const unit = [
    "[Service]",
    `ExecStart=/lab/bin/piggie --size 4 --name ${name} --port ${port} --witness`,
    "StandardOutput=null",
    "StandardError=null",
    ...lines,
    "",
  ];
  await host.writeFile(`/etc/systemd/system/${name}.service`, unit.join("\n"));
  const { stdout } = await host.run(
    `systemctl daemon-reload; echo ${abovePid} >/proc/sys/kernel/ns_last_pid; ` +
      `systemctl start ${name} && systemctl show -P MainPID ${name}`,
  );
  return { name, port, pid: Number(stdout) };
}

/** One property of a unit. */
export async function unitProperty(host: Host, unit: string, property: string): Promise<string> {
  return (await host.run(`systemctl show -P ${property} ${unit}`)).stdout.trim();
}
