/** The workload of `victim.c`, and the file in which it proves itself. */

import { assertEquals } from "@std/assert";
import { cachedFolder, contentKey } from "../../../vm/cache.ts";
import { run } from "../../../tools/process.ts";
import type { Host } from "./host.ts";
import { appears, textOf, until } from "./waiting.ts";

const SOURCE = new URL("./victim.c", import.meta.url);
/** Numbers that show that it really counts: a fifth of a second. */
const ENOUGH = 20;

/** The compiled workload; kept in the cache. */
export async function victimProgram(): Promise<string> {
  const source = await Deno.readTextFile(SOURCE);
  const key = await contentKey([source, Deno.build.arch]);
  const dir = await cachedFolder("host-victim", key, async (dir) => {
    const args = ["-O1", "-Wall", "-pthread", "-o", `${dir}/victim`, SOURCE.pathname];
    const { code, stderr } = await run("cc", args);
    if (code !== 0) throw new Error(`Cannot compile the victim: ${stderr}`);
  });
  return `${dir}/victim`;
}

/** Which workload, and how much memory it has. */
export interface VictimOptions {
  readonly kind?: "counter" | "tree" | "sweep";
  readonly pages?: number;
  /** Runs below a shell, in that shell's session. */
  readonly job?: boolean;
  /** Sends each number to the address as a datagram, too, under that name. */
  readonly witness?: { readonly name: string; readonly address: string };
}

/** A victim; where it runs now is for the tests to find out. */
export class Victim {
  readonly pid: number;
  /** Its numbers. */
  readonly path: string;

  private constructor(pid: number, path: string) {
    this.pid = pid;
    this.path = path;
  }

  /** Starts one that counts into `path` and waits until it does. */
  static async start(host: Host, path: string, options: VictimOptions = {}): Promise<Victim> {
    const { kind = "counter", pages = 64, job = false, witness } = options;
    const args = [kind, path, String(pages), ...(witness ? [witness.name, witness.address] : [])];
    const program = await victimProgram();
    if (job) {
      await host.start(["setsid", "bash", "-c", `"$@" & wait`, "bash", program, "job", ...args]);
    } else await host.run(program, ...args);
    const pid = Number(await appears(`${path}.pid`));
    const victim = new Victim(pid, path);
    await victim.countsOn();
    return victim;
  }

  /** All lines so far, checked: numbers from 1 on, none missing, none twice, nothing wrong. */
  async lines(): Promise<{ readonly host: string; readonly number: number }[]> {
    const text = await textOf(this.path);
    const lines = text.split("\n").slice(0, -1).map((line) => {
      const [host = "", number] = line.split(" ");
      return { host, number: Number(number), line };
    });
    const wrong = lines.findIndex(({ number }, index) => number !== index + 1);
    if (wrong < 0) return lines;
    const around = lines.slice(Math.max(0, wrong - 3), wrong + 4).map(({ line }) => line);
    throw new Error(
      `"${lines[wrong]?.line}" stands where ${wrong + 1} was due: ${around.join(", ")}`,
    );
  }

  /** The hosts on which it counted, in order, each named once for a stay. */
  async stays(): Promise<string[]> {
    const hosts = (await this.lines()).map(({ host }) => host);
    return hosts.filter((host, index) => host !== hosts[index - 1]);
  }

  /** How far it counted. */
  async count(): Promise<number> {
    return (await this.lines()).length;
  }

  /** Waits until it counted some way further. */
  async countsOn(): Promise<void> {
    const before = await this.count();
    await until(
      `the victim counts beyond ${before}`,
      async () => await this.count() >= before + ENOUGH,
    );
  }

  /** Fails unless it counts on now and did so in these stays, the last of which lasts. */
  async expectStays(...stays: readonly string[]): Promise<void> {
    await this.countsOn();
    assertEquals(await this.stays(), stays);
  }
}

/** The processes of victims on a host, by their state: nothing but T means that none runs. */
export async function victimStates(host: Host): Promise<string[]> {
  const program = await victimProgram();
  return (await host.processes()).filter(({ command }) => command.startsWith(program))
    .map(({ state }) => state);
}
