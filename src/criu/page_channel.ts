/**
 * The unix socket between a criu and phaul's page relay.
 *
 * CRIU needs a blocking socket by number; Deno's sockets show none and never block. So Deno listens on a
 * path, and the other end is made by hand and connected to it. A unix socket also spares the 200 ms that
 * CRIU's corked TCP socket costs at the end of every dump.
 *
 * @module
 */

import { connectUnix, type Fd, growSendBuffer, shutdownSocket } from "../sys/mod.ts";

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

/** What CRIU may be ahead of phaul: while it waits, the tree may be frozen. */
const AHEAD_BYTES = 2 * 1024 * 1024;

/** sun_path holds 108 bytes, the last of them zero. */
const MAX_PATH_BYTES = 107;

/**
 * Makes a page channel by way of a socket in `dir`, which is gone again when this returns.
 *
 * @param dir A directory that only root can enter. Where its path is too long for a socket, a temporary
 *   directory takes its place.
 * @throws SyscallError, Deno.errors.* when the socket cannot be made
 */
export async function openPageChannel(dir: string): Promise<PageChannel> {
  const path = `${dir}/pages.sock`;
  if (new TextEncoder().encode(path).length <= MAX_PATH_BYTES) return await meetAt(path);
  const short = await Deno.makeTempDir({ prefix: "phaul-" });
  try {
    return await meetAt(`${short}/pages.sock`);
  } finally {
    await Deno.remove(short, { recursive: true });
  }
}

async function meetAt(path: string): Promise<PageChannel> {
  using listener = Deno.listen({ transport: "unix", path });
  try {
    // Connecting succeeds before anybody accepts: the listener's queue takes it in.
    using stack = new DisposableStack();
    const criuEnd = stack.use(connectUnix(path));
    growSendBuffer(criuEnd, AHEAD_BYTES);
    const conn = await listener.accept();
    stack.move();
    return new UnixPageChannel(criuEnd, conn);
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
