/**
 * The TCP connections of a tree during its final dump.
 *
 * @module
 */

import {
  type Connection,
  listConnections,
  listTree,
  reviveConnections,
  silenceConnections,
  type TreeProcess,
  unlockConnections,
} from "../proc/mod.ts";

/**
 * CRIU locks the connections, by rules of the packet filter and by repair mode, and takes both back when
 * it lets the tree run. It leaves the rules when the dump succeeds, and both when it is killed.
 */
export class DumpedConnections {
  readonly #rootPid: number;
  #known: readonly Connection[] = [];
  #frozen: readonly Connection[] = [];
  #ending = false;

  constructor(rootPid: number) {
    this.#rootPid = rootPid;
  }

  /** The connections that the dump holds; none before it was frozen. */
  get frozen(): readonly Connection[] {
    return this.#frozen;
  }

  /** To be called just before the dump: of a tree that comes to grief in it some may be closed after. */
  look(): void {
    this.#known = listConnections(listTree(this.#rootPid));
  }

  /**
   * To be called in post-dump, when CRIU has read all it wants to know. Ends repair mode, so that a tree
   * that runs because CRIU is killed finds its connections usable: it would take the errors of repair mode
   * for the end of each. CRIU's rules go on locking them.
   *
   * @throws SyscallError
   */
  freeze(): void {
    this.#frozen = reviveConnections(listTree(this.#rootPid)).map(plain);
  }

  /** To be called before the tree is killed: nobody is to hear of it. After COMMIT nothing may fail. */
  silence(living: readonly TreeProcess[]): void {
    this.#ending = true;
    try {
      silenceConnections(living);
    } catch {
      // What is left of the tree closes its connections behind CRIU's rules.
    }
  }

  /**
   * Takes away what locks the connections. Of a tree that is dead here the address must have moved.
   *
   * @throws PhaulError
   */
  async unlock(): Promise<void> {
    const connections = [...this.#known, ...this.#frozen];
    await unlockConnections({ processes: this.#alive(), connections });
  }

  #alive(): readonly TreeProcess[] {
    // Whoever has its pid now is a stranger.
    if (this.#ending) return [];
    try {
      return listTree(this.#rootPid);
    } catch {
      return [];
    }
  }
}

function plain({ localAddress, localPort, remoteAddress, remotePort }: Connection): Connection {
  return { localAddress, localPort, remoteAddress, remotePort };
}
