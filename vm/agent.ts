/** The harness's end of guest/agent.c: one connection a command. */

import { LineReader, type Output } from "./output.ts";

/** Where an agent listens and how it knows us. */
export interface AgentAddress {
  /** Port on 127.0.0.1 of this machine. */
  readonly port: number;
  readonly token: string;
}

/** A command as the guest runs it. */
export interface AgentCommand {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** How a command ended: `signal` when one killed it; `code` is then 128 + signal. */
export interface Ending {
  readonly code: number;
  readonly signal?: number;
}

/** The guest, or the agent in it, went away while a command ran. */
export class GuestLostError extends Error {
  override readonly name = "GuestLostError";
}

const FRAME = { stdout: 1, stderr: 2, exit: 3, pid: 4 } as const;
const INPUT = { stdin: 0, signal: 1 } as const;
const GROUP = 0x40;
const STDIN_CHUNK = 65536;

/** A command that runs in a guest; what it prints is collected as it comes. */
export class GuestProcess implements Disposable {
  readonly stdout = new LineReader();
  readonly stderr = new LineReader();
  /** Resolves when the command has ended; rejects with GuestLostError when the guest has. */
  readonly ended: Promise<Ending>;
  /** Its pid as the host that runs it counts. */
  readonly pid: number;
  readonly #conn: Deno.Conn;

  private constructor(conn: Deno.Conn, pid: number, frames: FrameReader, tap?: Output) {
    this.#conn = conn;
    this.pid = pid;
    this.ended = this.#follow(frames, tap);
    // Whoever waits sees the rejection; a killed guest must not end the harness.
    this.ended.catch(() => {});
  }

  /**
   * Starts a command. `tap` gets all output as it comes.
   *
   * @throws {GuestLostError} when no agent answers.
   */
  static async start(
    address: AgentAddress,
    command: AgentCommand,
    stdin?: Uint8Array,
    tap?: Output,
  ): Promise<GuestProcess> {
    const conn = await connect(address);
    try {
      await writeAll(conn, request(address.token, command));
      const frames = new FrameReader(conn);
      const first = await frames.next();
      if (first?.type !== FRAME.pid) throw new GuestLostError("Cannot start a command: no answer");
      const process = new GuestProcess(conn, view(first.data).getUint32(0), frames, tap);
      await process.#sendStdin(stdin);
      return process;
    } catch (error) {
      closeQuietly(conn);
      if (error instanceof GuestLostError) throw error;
      throw new GuestLostError(`Cannot start "${command.argv.join(" ")}"`, { cause: error });
    }
  }

  /** Sends a signal to the command, or to its whole process group. */
  async kill(signal: number, to: "process" | "group" = "group"): Promise<void> {
    const byte = to === "group" ? signal | GROUP : signal;
    await writeAll(this.#conn, frame(INPUT.signal, new Uint8Array([byte]))).catch(() => {});
  }

  async #sendStdin(stdin?: Uint8Array): Promise<void> {
    for (let at = 0; stdin && at < stdin.length; at += STDIN_CHUNK) {
      await writeAll(this.#conn, frame(INPUT.stdin, stdin.subarray(at, at + STDIN_CHUNK)));
    }
    await writeAll(this.#conn, frame(INPUT.stdin, new Uint8Array()));
  }

  async #follow(frames: FrameReader, tap?: Output): Promise<Ending> {
    try {
      for (;;) {
        const next = await frames.next();
        if (next === null) throw new GuestLostError("The guest went away while a command ran");
        if (next.type === FRAME.exit) return ending(next.data);
        if (next.type === FRAME.stdout) this.stdout.push(next.data);
        if (next.type === FRAME.stderr) this.stderr.push(next.data);
        tap?.push(next.data);
      }
    } catch (error) {
      if (error instanceof GuestLostError) throw error;
      throw new GuestLostError("The guest went away while a command ran", { cause: error });
    } finally {
      closeQuietly(this.#conn);
      this.stdout.end();
      this.stderr.end();
    }
  }

  /** Hangs up: the agent kills the command's process group if it still runs. */
  [Symbol.dispose](): void {
    closeQuietly(this.#conn);
  }
}

async function connect({ port }: AgentAddress): Promise<Deno.TcpConn> {
  try {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    conn.setNoDelay(true);
    return conn;
  } catch (cause) {
    throw new GuestLostError("Cannot reach the guest: is it down?", { cause });
  }
}

interface Frame {
  readonly type: number;
  readonly data: Uint8Array;
}

class FrameReader {
  readonly #conn: Deno.Conn;

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** The next frame, or null at the end. */
  async next(): Promise<Frame | null> {
    const head = await this.#exactly(5);
    if (head === null) return null;
    const data = await this.#exactly(view(head).getUint32(1));
    return data === null ? null : { type: head[0] ?? -1, data };
  }

  async #exactly(length: number): Promise<Uint8Array | null> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const n = await this.#conn.read(bytes.subarray(at));
      if (n === null) return null;
      at += n;
    }
    return bytes;
  }
}

function request(token: string, { argv, cwd, env }: AgentCommand): Uint8Array {
  const pairs = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const strings = [cwd, `${argv.length}`, ...argv, ...pairs];
  const body = new TextEncoder().encode(strings.map((text) => `${text}\0`).join(""));
  const bytes = new Uint8Array(token.length + 4 + body.length);
  bytes.set(new TextEncoder().encode(token));
  view(bytes).setUint32(token.length, body.length);
  bytes.set(body, token.length + 4);
  return bytes;
}

function frame(type: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(5 + data.length);
  bytes[0] = type;
  view(bytes).setUint32(1, data.length);
  bytes.set(data, 5);
  return bytes;
}

function ending(data: Uint8Array): Ending {
  const code = view(data).getInt32(0);
  const signal = view(data).getInt32(4);
  return signal === 0 ? { code } : { code, signal };
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

function closeQuietly(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // Closed already by the other path: the follower, or the owner.
  }
}
