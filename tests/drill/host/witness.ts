/** What the witness on this machine wrote down: who counted where, and when. */

import { type Tick, WitnessError } from "../../../vm/witness.ts";
import { until } from "../../integration/host/waiting.ts";

const NS_PER_MS = 1e6;

/** Reads the file that the program `witness` writes. */
export class HostWitness {
  readonly #path: string;
  /** Host name by the address that its datagrams come from. */
  readonly #hosts: ReadonlyMap<string, string>;
  readonly #ticks = new Map<string, Tick[]>();
  #read = 0;
  #rest = "";

  constructor(path: string, hosts: ReadonlyMap<string, string>) {
    this.#path = path;
    this.#hosts = hosts;
  }

  /**
   * All ticks of a workload so far, in the order in which they came.
   *
   * @throws WitnessError for a datagram that lies about its host
   */
  async ticks(workload: string): Promise<readonly Tick[]> {
    for (const line of await this.#lines()) {
      const tick = parseLine(line, this.#hosts);
      const list = this.#ticks.get(tick.workload);
      if (list) list.push(tick);
      else this.#ticks.set(tick.workload, [tick]);
    }
    return this.#ticks.get(workload) ?? [];
  }

  /** Waits until a workload has ticked `more` times than now. */
  async waitForTicks(workload: string, more: number): Promise<void> {
    const before = (await this.ticks(workload)).length;
    await until(
      `"${workload}" ticks on`,
      async () => (await this.ticks(workload)).length >= before + more,
    );
  }

  /** Forgets a workload that has ended. */
  forget(workload: string): void {
    this.#ticks.delete(workload);
  }

  /** The whole lines that were written since the last call. */
  async #lines(): Promise<string[]> {
    using file = await Deno.open(this.#path);
    await file.seek(this.#read, Deno.SeekMode.Start);
    const bytes = await new Response(file.readable).bytes();
    this.#read += bytes.length;
    const lines = (this.#rest + new TextDecoder().decode(bytes)).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines;
  }
}

/**
 * One line of the program: "NANOSECONDS ADDRESS tick WORKLOAD HOST NUMBER PID". Pure.
 *
 * @throws WitnessError when it is none, or when its address is not that of its host
 */
export function parseLine(line: string, hosts: ReadonlyMap<string, string>): Tick {
  const match = /^(\d+) (\S+) tick (\S+) (\S+) (\d+) (\d+)$/.exec(line);
  const [, stamp, address = "", workload = "", host = "", sequence, pid] = match ?? [];
  if (!match) throw new WitnessError(`Cannot understand the line "${line}"`);
  if (hosts.get(address) !== host) {
    throw new WitnessError(`"${line}" came from ${address}, which is not ${host}`);
  }
  const timeMs = Number(stamp) / NS_PER_MS;
  return { workload, host, sequence: Number(sequence), pid: Number(pid), timeMs };
}
