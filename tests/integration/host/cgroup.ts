/** A cgroup such as systemd makes for a service, on whatever version of cgroups this machine has. */

import type { Host } from "./host.ts";

/** Holds one process; disposing of it puts the process back. */
export class ServiceCgroup implements AsyncDisposable {
  /** The unit's name. */
  readonly unit: string;
  readonly #host: Host;
  readonly #root: string;
  readonly #pid: number;

  private constructor(unit: string, host: Host, root: string, pid: number) {
    this.unit = unit;
    this.#host = host;
    this.#root = root;
    this.#pid = pid;
  }

  /** Makes it and puts process `pid` of `host` into it. */
  static async make(host: Host, pid: number): Promise<ServiceCgroup> {
    const cgroup = new ServiceCgroup(
      `phaul-test-${Deno.pid}.service`,
      host,
      await hierarchy(),
      pid,
    );
    await Deno.mkdir(`${cgroup.#root}/${cgroup.unit}`);
    await cgroup.#move(`${cgroup.#root}/${cgroup.unit}`);
    return cgroup;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#move(this.#root);
    await Deno.remove(`${this.#root}/${this.unit}`);
  }

  /** By the host itself: what is written is a pid as the writer numbers it. */
  async #move(where: string): Promise<void> {
    await this.#host.run("bash", "-c", `echo ${this.#pid} >"$0/cgroup.procs"`, where);
  }
}

/** Where systemd's own hierarchy is mounted: that of its name, or the only one of version 2. */
async function hierarchy(): Promise<string> {
  const mounts = (await Deno.readTextFile("/proc/self/mounts")).split("\n")
    .map((line) => line.split(" "));
  const named = mounts.find(([, , type, options]) =>
    type === "cgroup" && options?.includes("name=systemd")
  );
  const found = (named ?? mounts.find(([, , type]) => type === "cgroup2"))?.[1];
  if (found === undefined) throw new Error("Cannot find a hierarchy of cgroups");
  return found;
}
