/** The witness where machines are not QEMU's by us but Vagrant's: it takes in the datagrams. */

import { createSocket, type Socket } from "node:dgram";
import { examine, readTick, type Tick, WITNESS_PORT, type WitnessReport } from "../witness.ts";

/** Listens for ticks at an address of this machine, from hosts that are known by theirs. */
export class TickReceiver implements Disposable {
  readonly #socket: Socket;
  readonly #ticks: Tick[] = [];
  #wrong: Error | undefined;

  private constructor(socket: Socket, hosts: ReadonlyMap<string, string>) {
    this.#socket = socket;
    socket.on("message", (data, { address }) => {
      try {
        const text = new TextDecoder().decode(data);
        this.#ticks.push(readTick(text, hosts.get(address), Date.now()));
      } catch (error) {
        this.#wrong ??= error instanceof Error ? error : new Error(String(error));
      }
    });
  }

  /** Rejects when `address` is not this machine's. `hosts` holds names by address. */
  static listen(
    address: string,
    hosts: ReadonlyMap<string, string>,
    port: number = WITNESS_PORT,
  ): Promise<TickReceiver> {
    const socket = createSocket("udp4");
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(port, address, () => resolve(new TickReceiver(socket, hosts)));
    });
  }

  /** How many ticks of a workload have come from `host`. */
  count(workload: string, host: string): number {
    return this.#ticks.filter((tick) => tick.workload === workload && tick.host === host).length;
  }

  /**
   * Proves that exactly one copy ran at every moment, on `hosts` in this order.
   *
   * @throws {WitnessError} with the first datagram that contradicts it.
   */
  examine(workload: string, hosts: readonly string[]): WitnessReport {
    if (this.#wrong) throw this.#wrong;
    const ticks = this.#ticks.filter((tick) => tick.workload === workload)
      .sort((a, b) => a.sequence - b.sequence || a.timeMs - b.timeMs);
    return examine(workload, ticks, { hosts });
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
