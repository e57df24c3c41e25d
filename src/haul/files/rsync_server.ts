/**
 * The destination's end of rsync: one child for one stream, with nothing to listen on, that is locked into
 * the directory in which files are kept until they are put in place.
 *
 * @module
 */

import { PhaulError } from "../../errors.ts";
import { freeBytes } from "../../proc/mod.ts";
import type { ByteStream } from "../../wire/mod.ts";
import { bridge } from "./bridge.ts";
import type { Staging } from "./targets.ts";

/** The name of the one module. */
export const MODULE = "files";
const LOOK_MS = 500;

/** One rsync that takes files in. Disposing of it ends it. */
export class RsyncServer implements Disposable {
  /** Resolves when it has ended, however. */
  readonly ended: Promise<void>;
  readonly #child: Deno.ChildProcess;
  readonly #stream: ByteStream;
  #failure: PhaulError | undefined;
  #over = false;

  private constructor(child: Deno.ChildProcess, stream: ByteStream) {
    this.#child = child;
    this.#stream = stream;
    this.ended = this.#run();
  }

  /**
   * Starts one that speaks over `stream`, which becomes its own.
   *
   * @param keepFreeBytes It is ended before less is left free.
   * @param stallMs Silence after which rsync itself gives up.
   */
  static async start(
    staging: Staging,
    stream: ByteStream,
    { keepFreeBytes, stallMs }: { keepFreeBytes: number; stallMs: number },
  ): Promise<RsyncServer> {
    const config = `${staging.dir}/rsyncd.conf`;
    await Deno.writeTextFile(`${config}.new`, configFor(staging, stallMs), { mode: 0o600 });
    // Another one may read it just now.
    await Deno.rename(`${config}.new`, config);
    const child = new Deno.Command("rsync", {
      args: ["--server", "--daemon", `--config=${config}`, "."],
      ...{ stdin: "piped", stdout: "piped", stderr: "null", detached: true, cwd: "/" },
      env: { LC_ALL: "C" },
    }).spawn();
    const server = new RsyncServer(child, stream);
    server.#watchRoom(staging.dir, keepFreeBytes);
    return server;
  }

  /** Why this side ended it, if it did. */
  get failure(): PhaulError | undefined {
    return this.#failure;
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    if (this.#over) return;
    this.#stream.close();
    try {
      // The child that writes, too.
      Deno.kill(-this.#child.pid, "SIGKILL");
    } catch {
      // It has ended just now.
    }
  }

  async #run(): Promise<void> {
    const { stdin: writable, stdout: readable } = this.#child;
    const bridged = bridge(this.#stream, { readable, writable }, () => {});
    // What the source sends in vain is its own matter: its rsync says what is wrong.
    await Promise.all([bridged.catch(() => this[Symbol.dispose]()), this.#child.status]);
    this.#over = true;
  }

  #watchRoom(dir: string, keepFreeBytes: number): void {
    const look = async () => {
      const free = await freeBytes(dir).catch(() => Infinity);
      if (this.#over || free >= keepFreeBytes) return;
      this.#failure ??= new PhaulError(
        "no-space",
        `Cannot take files in: only ${free} bytes are left below "${dir}"`,
        { remedy: "Make room there, or start phaul serve with a smaller --keep-free" },
      );
      this[Symbol.dispose]();
    };
    const timer = setInterval(look, LOOK_MS);
    void this.ended.then(() => clearInterval(timer));
  }
}

/** Nothing that a peer says stands in here. */
function configFor({ dir, root }: Staging, stallMs: number): string {
  return [
    "use chroot = yes",
    "numeric ids = yes",
    "uid = 0",
    "gid = 0",
    "read only = no",
    "write only = yes",
    "list = no",
    `timeout = ${Math.ceil(stallMs / 1000)}`,
    `log file = ${dir}/rsyncd.log`,
    `[${MODULE}]`,
    `path = ${root}`,
    "",
  ].join("\n");
}

/**
 * Demands an rsync on this host.
 *
 * @throws PhaulError of that code
 */
export async function requireRsync(code: "rsync-missing" | "destination-unfit"): Promise<void> {
  try {
    const found = await new Deno.Command("rsync", {
      ...{ args: ["--version"], stdin: "null", stdout: "null", stderr: "null" },
    }).output();
    if (found.success) return;
  } catch {
    // There is none.
  }
  const where = code === "rsync-missing" ? "this host" : "the destination";
  throw new PhaulError(code, `Cannot move files: ${where} has no rsync`, {
    remedy: "Install rsync on both hosts (apt-get install rsync)",
  });
}
