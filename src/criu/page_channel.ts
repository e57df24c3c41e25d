/**
 * The unix socket between a criu and phaul's page relay.
 *
 * CRIU needs a blocking socket by number; Deno's sockets show none and never block. So Deno listens on a
 * path, and the other end is made by hand and connected to it. A unix socket also spares the 200 ms that
 * CRIU's corked TCP socket costs at the end of every dump.
 *
 * @module
 */

import { connectUnix, type Fd, shutdownSocket } from "../sys/mod.ts";

/** Both ends of a page channel; closing it closes both. */
export interface PageChannel extends Disposable {
  /** For CRIU: pass it on with `inherit` and name it as `pageServerFd`. */
  readonly criuEnd: Fd;
  /** For phaul. */
  readonly conn: Deno.Conn;
  /** Breaks the channel for whoever holds an end: CRIU gives up cleanly and lets the tree run. */
  shutdown(): void;
  /** Closes both ends; twice is harmless. */
  close(): void;
}

/**
 * Makes a page channel by way of a socket in `dir`, which is gone again when this returns.
 *
 * @param dir A directory that only root can enter.
 * @throws SyscallError, Deno.errors.* when the socket cannot be made
 */
export async function openPageChannel(dir: string): Promise<PageChannel> {
  const path = `${dir}/pages.sock`;
  using listener = Deno.listen({ transport: "unix", path });
  try {
    const accepted = listener.accept();
    const criuEnd = connectUnix(path);
    return new UnixPageChannel(criuEnd, await accepted);
  } finally {
    await Deno.remove(path);
  }
}

/** Breaks the page channel that `criuEnd` is an end of; one that is broken already is fine. */
export function shutdownPages(criuEnd: Fd): void {
  if (!criuEnd.closed) shutdownSocket(criuEnd, "both");
}

class UnixPageChannel implements PageChannel {
  readonly criuEnd: Fd;
  readonly conn: Deno.Conn;
  #closed = false;

  constructor(criuEnd: Fd, conn: Deno.Conn) {
    this.criuEnd = criuEnd;
    this.conn = conn;
  }

  shutdown(): void {
    shutdownPages(this.criuEnd);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.shutdown();
    this.criuEnd.close();
    this.conn.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
