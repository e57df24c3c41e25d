/** QEMU's monitor (QMP): one JSON object a line over a unix socket. */

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** A connection to one QEMU; the listener waits for QEMU to connect, so there is nothing to retry. */
export class Qmp implements Disposable {
  readonly #conn: Deno.Conn;
  readonly #pending: Pending[] = [];
  #ended = false;

  private constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** Takes the connection of a QEMU started with `-qmp unix:PATH`. Closes the listener. */
  static async accept(listener: Deno.UnixListener): Promise<Qmp> {
    using _listener = listener;
    const qmp = new Qmp(await listener.accept());
    void qmp.#readLines();
    await qmp.execute("qmp_capabilities");
    return qmp;
  }

  /** Runs a command and returns what QEMU returned. Rejects with QEMU's words. */
  async execute(command: string, args: Record<string, unknown> = {}): Promise<unknown> {
    if (this.#ended) throw new Error(`Cannot run QMP command "${command}": QEMU has ended`);
    const line = JSON.stringify({ execute: command, arguments: args }) + "\n";
    const result = new Promise<unknown>((resolve, reject) => {
      this.#pending.push({ resolve, reject });
    });
    await this.#write(new TextEncoder().encode(line));
    return await result;
  }

  /** Runs a command of the human monitor and returns its text. */
  async human(line: string): Promise<string> {
    return String(await this.execute("human-monitor-command", { "command-line": line }));
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
  }

  async #readLines(): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder();
    const chunk = new Uint8Array(65536);
    try {
      for (;;) {
        const n = await this.#conn.read(chunk);
        if (n === null) break;
        const lines = (rest + decoder.decode(chunk.subarray(0, n), { stream: true })).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) this.#take(line);
      }
    } catch {
      // A killed QEMU resets the connection; those who wait are told below.
    }
    this.#end();
  }

  #take(line: string): void {
    const message: { return?: unknown; error?: { desc?: string } } = JSON.parse(line);
    if (message.error) {
      this.#pending.shift()?.reject(new Error(`QMP: ${message.error.desc ?? "failed"}`));
    } else if ("return" in message) this.#pending.shift()?.resolve(message.return);
  }

  #end(): void {
    if (!this.#ended) this.#conn.close();
    this.#ended = true;
    for (const { reject } of this.#pending.splice(0)) reject(new Error("QEMU has ended"));
  }

  [Symbol.dispose](): void {
    this.#end();
  }
}
