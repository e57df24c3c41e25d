/**
 * The TCP connections of a tree that a destination holds. They are the source's until the commit: packets
 * get through in neither direction, and repair mode keeps the tree's death, however it comes, from being
 * told to their other ends.
 *
 * @module
 */

import {
  findPacketFilter,
  listTree,
  type PacketFilter,
  reviveConnections,
  silenceConnections,
  type TreeProcess,
} from "../proc/mod.ts";
import type { Connection } from "../wire/mod.ts";

/** Holds the connections of one migration back. */
export class HeldConnections {
  readonly #migration: string;
  readonly #filter: PacketFilter;

  private constructor(migration: string, filter: PacketFilter) {
    this.#migration = migration;
    this.#filter = filter;
  }

  /**
   * Finds out what to hold them back with.
   *
   * @throws PhaulError `destination-unfit` when there is nothing
   */
  static async find(migration: string): Promise<HeldConnections> {
    return new HeldConnections(migration, await findPacketFilter());
  }

  /**
   * To be called before the tree is restored.
   *
   * @throws PhaulError
   */
  async hold(connections: readonly Connection[]): Promise<void> {
    await this.#filter.drop(this.#migration, connections);
  }

  /**
   * To be called once CRIU has let go of the restored tree, and has ended repair mode with that; harmless
   * when done again. A tree that is gone is silent.
   *
   * @throws SyscallError
   */
  silence(rootPid: number): void {
    silenceConnections(treeOf(rootPid));
  }

  /**
   * Gives the tree its connections, just before it is continued.
   *
   * @param rootPid Undefined when CRIU ends repair mode itself.
   * @throws PhaulError
   */
  async release(rootPid: number | undefined): Promise<void> {
    try {
      await this.lift();
    } finally {
      // After the lift, as each sends a packet: the other ends then go on at once.
      if (rootPid !== undefined) reviveConnections(treeOf(rootPid));
    }
  }

  /**
   * Lets packets through again; to be called once a discarded tree is gone, as a task that was half
   * restored may hold a connection that is not in repair mode.
   *
   * @throws PhaulError
   */
  async lift(): Promise<void> {
    await this.#filter.lift(this.#migration);
  }
}

function treeOf(rootPid: number): readonly TreeProcess[] {
  try {
    return listTree(rootPid);
  } catch {
    return [];
  }
}
