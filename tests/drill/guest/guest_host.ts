/** A host in a guest as the drill sees hosts. */

import { type Host, shellQuote } from "../../../vm/host.ts";
import type { DrillHost, DrillProcess } from "../ground.ts";

/** Files of the drill on the host; in memory, so they are gone after a reset. */
export const DRILL_DIR = "/run/drill";
const LOOK_MS = 100;
/** Keeps phaul at a stage for as long as a file of its name is there. */
const HOOK = `#!/bin/bash
[ -e ${DRILL_DIR}/hold-$PHAUL_STAGE ] || exit 0
touch ${DRILL_DIR}/at-$PHAUL_STAGE
while [ -e ${DRILL_DIR}/hold-$PHAUL_STAGE ]; do sleep 0.1; done
rm -f ${DRILL_DIR}/at-$PHAUL_STAGE
`;

/** Wraps a host of a pair. */
export class GuestHost implements DrillHost {
  readonly name: string;
  readonly stateDir = "/var/lib/phaul";
  readonly workDir = "/dev/shm/phaul";
  readonly hook = `${DRILL_DIR}/hook`;
  readonly stopFile = `${DRILL_DIR}/stop`;
  readonly stopper = `${DRILL_DIR}/stopper.so`;
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
    this.name = host.name;
  }

  /** Puts the drill's files there, again after each reset; `stopper` is the library's bytes. */
  async prepare(stopper: Uint8Array): Promise<void> {
    await this.#host.writeFile(this.hook, HOOK, 0o755);
    await this.#host.writeFile(this.stopper, stopper, 0o755);
  }

  async run(...command: readonly string[]): Promise<string> {
    const line = command.map(shellQuote).join(" ");
    return (await this.#host.run(line, { mayFail: true })).stdout;
  }

  async signal(pid: number, signal: string): Promise<void> {
    await this.run("kill", "-s", signal, String(pid));
  }

  async processes(): Promise<DrillProcess[]> {
    const text = await this.run("ps", "-eo", "pid=,ppid=,stat=,args=");
    return text.split("\n").flatMap((line) => {
      const found = /^ *(\d+) +(\d+) +(\S)\S* +(.*)$/.exec(line);
      if (!found) return [];
      const [, pid, parentPid, state = "", command = ""] = found;
      return [{ pid: Number(pid), parentPid: Number(parentPid), state, command }];
    });
  }

  async stopAt(text: string): Promise<void> {
    await this.#host.run(`rm -f ${this.stopFile}.reached`);
    await this.#host.writeFile(`${this.stopFile}.new`, `1 ${text}`);
    await this.#host.run(`mv ${this.stopFile}.new ${this.stopFile}`);
  }

  async hasStopped(): Promise<boolean> {
    return await this.#exists(`${this.stopFile}.reached`);
  }

  async forgetStop(): Promise<void> {
    await this.run("rm", "-f", this.stopFile);
  }

  async keptAt(stage: string, meanwhile: () => Promise<void>): Promise<void> {
    await this.run("touch", `${DRILL_DIR}/hold-${stage}`);
    try {
      await meanwhile();
    } finally {
      await this.run("rm", "-f", `${DRILL_DIR}/hold-${stage}`);
    }
  }

  async #exists(path: string): Promise<boolean> {
    const there = await this.#host.run(`[ -e ${path} ]`, { mayFail: true });
    if (there.code !== 0) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    return there.code === 0;
  }
}
