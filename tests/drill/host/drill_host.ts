/** A host of this machine as the drill sees hosts. */

import type { HostProcess } from "../../integration/host/host.ts";
import type { Side } from "../../integration/host/world.ts";
import type { DrillHost } from "../ground.ts";

/** Wraps one side of a world. */
export class NamespaceHost implements DrillHost {
  readonly name: string;
  readonly stateDir: string;
  readonly workDir: string;
  /** Names the event at which a phaul stops; see stopper.c. */
  readonly stopFile: string;
  readonly #side: Side;

  constructor(side: Side) {
    this.#side = side;
    this.name = side.host.name;
    this.stateDir = side.stateDir;
    this.workDir = side.workDir;
    this.stopFile = `${side.host.dir}/stop`;
  }

  async run(...command: readonly string[]): Promise<string> {
    return (await this.#side.host.try(...command)).stdout;
  }

  async signal(pid: number, signal: string): Promise<void> {
    await this.#side.host.signal(pid, signal);
  }

  /** A command line lies in memory, which may not have come yet: files that are open tell then. */
  async processes(): Promise<HostProcess[]> {
    const all = await this.#side.host.processes();
    return await Promise.all(all.map(async (process) => {
      const { pid, state, command } = process;
      if (!command.startsWith("[") || /[ZX]/.test(state)) return process;
      const files = await this.run("bash", "-c", `readlink "/proc/$0/fd/"*`, String(pid));
      return { ...process, command: `${command} ${files}` };
    }));
  }

  async stopAt(text: string): Promise<void> {
    await Deno.remove(`${this.stopFile}.reached`).catch(() => {});
    await Deno.writeTextFile(`${this.stopFile}.new`, `1 ${text}`);
    await Deno.rename(`${this.stopFile}.new`, this.stopFile);
  }

  async hasStopped(): Promise<boolean> {
    return await Deno.stat(`${this.stopFile}.reached`).then(() => true, () => false);
  }

  async forgetStop(): Promise<void> {
    await Deno.remove(this.stopFile).catch(() => {});
  }

  async keptAt(stage: string, meanwhile: () => Promise<void>): Promise<void> {
    const { hook } = this.#side;
    await hook.hold(stage);
    try {
      await meanwhile();
    } finally {
      await hook.release(stage);
    }
  }
}
