/** A service manager that starts a program for each connection to a socket of its, as systemd does. */

import { sockaddrUn } from "../../../src/sys/layouts.ts";
import { type Child, Fd, readable, spawn } from "../../../src/sys/mod.ts";

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;

// Opened once, for the life of the test process: Deno's sanitizer would miss one that a test opens.
const LIBC = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  accept4: { parameters: ["i32", "pointer", "pointer", "i32"], result: "i32" },
}).symbols;

/** Listens at `path`; each connection becomes standard input and output of a `command`. */
export class Activator implements Disposable {
  readonly path = `${Deno.makeTempDirSync()}/criu.sock`;
  readonly children: Child[] = [];
  readonly #listener: Fd;
  readonly #ending = new AbortController();

  constructor(command: string) {
    const address = sockaddrUn(this.path);
    this.#listener = Fd.own(LIBC.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    LIBC.bind(this.#listener.raw, address, address.length);
    LIBC.listen(this.#listener.raw, 8);
    this.#serve(command).catch(() => {});
  }

  async #serve(command: string): Promise<void> {
    while (true) {
      await readable(this.#listener, this.#ending.signal);
      using connection = Fd.own(LIBC.accept4(this.#listener.raw, null, null, SOCK_CLOEXEC));
      const stdio = { stdin: connection, stdout: connection };
      this.children.push(spawn({ command, args: [], ...stdio }));
    }
  }

  [Symbol.dispose](): void {
    this.#ending.abort();
    this.#listener.close();
    for (const child of this.children) child[Symbol.dispose]();
    Deno.removeSync(this.path.replace(/\/[^/]*$/, ""), { recursive: true });
  }
}
