/**
 * The source's end of rsync: a child whose connection is one of phaul's.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../../errors.ts";
import type { ByteStream } from "../../wire/mod.ts";
import { bridge } from "./bridge.ts";
import { FILES_PIPE_COMMAND } from "./pipe_command.ts";
import type { FileFigures } from "./phaul_files.ts";
import { MODULE } from "./rsync_server.ts";

/** What rsync says when files went away, or changed, while it looked at them: a later run has them. */
const UNSETTLED = [23, 24];
/** Files that went away are no concern of a frozen tree. */
const VANISHED = 24;
const SHOWN_WORDS = 600;

/** Everything of a file that rsync can keep; times to the nanosecond. */
const KEPT = [
  ...["--archive", "--hard-links", "--acls", "--xattrs", "--sparse", "--numeric-ids"],
  ...["--inplace", "--modify-window=-1", "--open-noatime"],
];

/** One run. */
export interface RsyncRun {
  /** Directory on this host that is sent, with a slash at its end. */
  readonly from: string;
  /** Where to, below what the destination keeps for the area. */
  readonly to: string;
  readonly options: readonly string[];
  /** Paths below `from` that are looked at; all when not given. */
  readonly only?: readonly string[];
  /** A directory that nobody else can look into. */
  readonly workDir: string;
  readonly stallMs: number;
  /** Opens a stream to the destination's rsync. */
  readonly connect: () => Promise<ByteStream>;
  readonly onBytes: (bytes: number) => void;
  readonly signal: AbortSignal;
}

let count = 0;

/** An rsync that was started, and waits to be let go. */
export class RsyncClient implements Disposable {
  readonly #run: RsyncRun;
  readonly #path: string;
  readonly #listener: Deno.UnixListener;
  readonly #child: Deno.ChildProcess;
  readonly #words: Promise<readonly [said: string, wrong: string]>;
  readonly #pipe: Promise<Deno.UnixConn>;
  #stream: Promise<ByteStream> | undefined;
  #sentBytes = 0;
  #over = false;

  private constructor(run: RsyncRun, path: string) {
    this.#run = run;
    this.#path = path;
    this.#listener = Deno.listen({ transport: "unix", path });
    const shell = [...ownProgram(), FILES_PIPE_COMMAND, path].map((word) => `'${word}'`).join(" ");
    const only = run.only ? ["--from0", "--files-from=-"] : [];
    const seconds = Math.ceil(run.stallMs / 1000);
    this.#child = new Deno.Command("rsync", {
      args: [
        ...KEPT,
        ...["--stats", "--no-human-readable", `--timeout=${seconds}`, "--rsh", shell],
        ...[...run.options, ...only, run.from, `phaul::${MODULE}/${run.to}`],
      ],
      ...{ stdin: "piped", stdout: "piped", stderr: "piped", detached: true },
      env: { LC_ALL: "C" },
    }).spawn();
    void this.#child.status.then(() => {
      this.#over = true;
      this.#listener.close();
    }).catch(() => {});
    this.#pipe = this.#listener.accept();
    this.#pipe.catch(() => {});
    this.#words = Promise.all([textOf(this.#child.stdout), textOf(this.#child.stderr)]);
  }

  /**
   * Starts one. It does nothing before {@linkcode RsyncClient.go}: the destination speaks first.
   *
   * @throws PhaulError `rsync-missing`, `files-failed`
   */
  static start(run: RsyncRun): RsyncClient {
    const path = `${run.workDir}/files-${++count}.sock`;
    try {
      return new RsyncClient(run, path);
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound) throw noRsync(cause);
      throw new PhaulError("files-failed", `Cannot start rsync: ${asPhaulError(cause).message}`, {
        cause,
      });
    }
  }

  /** Connects, and does no more: for one that is let go later, when time is precious. */
  connect(): void {
    this.#stream = this.#run.connect();
    this.#stream.catch(() => {});
  }

  /** True until it has ended. */
  get waits(): boolean {
    return !this.#over;
  }

  /**
   * Lets it go, and waits for its end.
   *
   * @param only What is looked at, of one that was started with an `only`.
   * @param settled Nothing may change what is sent meanwhile: else what changed is left for later.
   * @throws PhaulError `files-failed`; the signal's reason; what `connect` throws
   */
  async go(settled: boolean, only = this.#run.only ?? []): Promise<FileFigures> {
    const { signal, connect, onBytes } = this.#run;
    const end = () => this[Symbol.dispose]();
    signal.addEventListener("abort", end);
    try {
      if (signal.aborted) throw asPhaulError(signal.reason);
      const writer = this.#child.stdin.getWriter();
      const told = writer.write(new TextEncoder().encode(only.join("\0")))
        .then(() => writer.close()).catch(() => {});
      const stream = await (this.#stream ?? connect());
      const local = await this.#pipe.catch(() => undefined);
      const bridged = local && bridge(stream, local, (bytes) => {
        this.#sentBytes += bytes;
        onBytes(bytes);
      }).catch((error) => error);
      const { code } = await this.#child.status;
      stream.close();
      await told;
      const broken = await bridged;
      const [said, wrong] = await this.#words;
      if (signal.aborted) throw asPhaulError(signal.reason);
      if (code === 0 || code === VANISHED || !settled && UNSETTLED.includes(code)) {
        return { ...figuresIn(said), sentBytes: this.#sentBytes };
      }
      throw failed(code, wrong, broken);
    } finally {
      signal.removeEventListener("abort", end);
      this[Symbol.dispose]();
      await Deno.remove(this.#path).catch(() => {});
    }
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    this.#stream?.then((stream) => stream.close(), () => {});
    if (this.#over) return;
    try {
      Deno.kill(-this.#child.pid, "SIGKILL");
    } catch {
      // It has ended just now.
    }
  }
}

/** What it says of itself at its end. */
function figuresIn(said: string): Pick<FileFigures, "files" | "bytes"> {
  const number = (pattern: RegExp) => Number(pattern.exec(said)?.[1] ?? 0);
  return {
    files: number(/^Number of regular files transferred: (\d+)/m),
    bytes: number(/^Total transferred file size: (\d+)/m),
  };
}

async function textOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  return await new Response(stream).text();
}

function failed(code: number, wrong: string, cause: unknown): PhaulError {
  const words = wrong.trim().split("\n").slice(0, 4).join("; ").slice(0, SHOWN_WORDS);
  return new PhaulError(
    "files-failed",
    `Cannot bring files over: rsync ended with ${code}: ${words}`,
    {
      remedy: "See what rsync says; on the destination, rsyncd.log beside the files that have come",
      cause,
    },
  );
}

function noRsync(cause: unknown): PhaulError {
  return new PhaulError("rsync-missing", "Cannot move files: this host has no rsync", {
    remedy: "Install rsync on both hosts (apt-get install rsync)",
    cause,
  });
}

/** This same program, or, where it is run from its sources, the one file of it. */
function ownProgram(): string[] {
  const command = Deno.execPath();
  if (Deno.build.standalone) return [command];
  const source = new URL("./files_pipe.ts", import.meta.url).pathname;
  return [command, "run", "-A", "--quiet", source];
}
