/**
 * A conversation with one criu: requests, answers, and the notifies in between.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { Fd } from "../sys/mod.ts";
import { leaveServiceCgroup } from "./cgroup.ts";
import { converse } from "./conversation.ts";
import type { NotifyHandler } from "./inquiry.ts";
import type { CriuVersion } from "./find.ts";
import type { RequestMessage, RequestType, ResponseMessage } from "./messages.ts";
import { type CriuOptions, OpenedOptions } from "./options.ts";
import { ACTIVATED, connectCriu, SERVICE } from "./activated.ts";
import { startSwrk } from "./swrk.ts";
import type { CriuTransport } from "./transport.ts";

/** What CRIU and the kernel can do. */
export interface CriuFeatures {
  /** Dirty memory can be tracked: pre-dumps work. */
  readonly memTrack: boolean;
  readonly lazyPages: boolean;
  readonly pidfdStore: boolean;
}

/** How a session is started. */
export interface SessionOptions {
  /** Open in criu under the same numbers: page channels. */
  readonly inherit?: readonly Fd[];
  /** What criu restores is to live outside the cgroup of phaul's service. */
  readonly moveToRootCgroup?: boolean;
}

/** CRIU's CPU_CAP_INS and CPU_CAP_FPU. */
const CPU_CAPS = { instructions: 4, registers: 1 } as const;

/** What may be asked next: anything, only pre-dumps and the dump that they lead to, or nothing more. */
type Phase = "fresh" | "pre-dumped" | "spent";

/**
 * One criu, a `criu swrk` or the worker of a service. `version`, `features`, the CPU requests and
 * `startPageServer` keep it open; `preDump` keeps it open for more of them and one `dump`; `dump`,
 * `restore` and `waitPageServer` are the last request of a session. One request at a time. Whatever is
 * asked of a criu that dies fails.
 */
export class CriuSession implements Disposable, AsyncDisposable {
  readonly #transport: CriuTransport;
  readonly #foreign: boolean;
  #phase: Phase = "fresh";
  #asking: RequestType | undefined;
  #pageServer = false;

  /**
   * Takes over `transport`.
   *
   * @param foreign criu is no child of phaul, and may be in another mount namespace.
   */
  constructor(transport: CriuTransport, foreign: boolean = false) {
    this.#transport = transport;
    this.#foreign = foreign;
  }

  /**
   * Starts a criu of one's own.
   *
   * @throws SyscallError when it cannot be started; PhaulError `destination-unfit` when it cannot be
   * moved out of the cgroup
   */
  static start(criuPath: string, options: SessionOptions = {}): CriuSession {
    const transport = startSwrk(criuPath, { inherit: options.inherit });
    return options.moveToRootCgroup
      ? outsideOfServices(transport, false)
      : new CriuSession(transport);
  }

  /**
   * Takes a criu that a service manager starts for whoever connects to the socket at `socketPath`, and
   * makes sure that it is in no service's cgroup.
   *
   * @throws PhaulError `criu-missing`, `criu-failed`, or `destination-unfit` when it cannot be moved out
   * of the cgroup
   */
  static async connect(socketPath: string): Promise<CriuSession> {
    return outsideOfServices(await connectCriu(socketPath, ACTIVATED), true);
  }

  /**
   * Takes a worker of the `criu service` that listens at `socketPath`. It takes no page channel: pages
   * go to the images dir.
   *
   * @throws PhaulError `criu-missing`, `criu-failed`
   */
  static async attach(socketPath: string): Promise<CriuSession> {
    return new CriuSession(await connectCriu(socketPath, SERVICE), true);
  }

  /** criu's pid. */
  get pid(): number {
    return this.#transport.pid;
  }

  /** Resolves when criu has ended; never rejects. */
  get exited(): Promise<void> {
    return this.#transport.exited;
  }

  /**
   * CRIU's version.
   *
   * @throws CriuError
   */
  async version(): Promise<CriuVersion> {
    const { version } = await this.#ask({ type: "VERSION", keepOpen: true });
    const { majorNumber: major = 0, minorNumber: minor = 0, sublevel: sub = 0 } = version ?? {};
    return { major, minor, sub, text: sub ? `${major}.${minor}.${sub}` : `${major}.${minor}` };
  }

  /**
   * What CRIU can do on this kernel.
   *
   * @throws CriuError
   */
  async features(): Promise<CriuFeatures> {
    const asked = { memTrack: true, lazyPages: true, pidfdStore: true };
    const { features } = await this.#ask({
      type: "FEATURE_CHECK",
      keepOpen: true,
      features: asked,
    });
    return {
      memTrack: features?.memTrack ?? false,
      lazyPages: features?.lazyPages ?? false,
      pidfdStore: features?.pidfdStore ?? false,
    };
  }

  /**
   * Writes this host's CPU features to `imagesDir`.
   *
   * @throws CriuError
   */
  async cpuinfoDump(imagesDir: string): Promise<void> {
    await this.#askWith("CPUINFO_DUMP", { imagesDir }, { keepOpen: true });
  }

  /**
   * Compares this host's CPU with the one whose features are in `imagesDir`.
   *
   * @param what Instructions, of which this one may have more, or the state of its registers, which CRIU
   * wants to be of the same size.
   * @throws CriuError when they do not fit, or cannot be compared
   */
  async cpuinfoCheck(imagesDir: string, what: "instructions" | "registers"): Promise<void> {
    const options = { imagesDir, cpuCap: CPU_CAPS[what] };
    await this.#askWith("CPUINFO_CHECK", options, { keepOpen: true });
  }

  /**
   * Copies memory while the tree runs, but for a short stall.
   *
   * @throws CriuError; the tree runs on
   */
  async preDump(options: CriuOptions): Promise<void> {
    await this.#askWith("PRE_DUMP", options, {});
  }

  /**
   * Freezes and dumps the tree. In the notify `post-dump` it is frozen and dumped; answered with
   * success, CRIU kills it, answered with failure, CRIU lets it run on.
   *
   * @throws CriuError; the tree runs on unless it was accepted in post-dump
   */
  async dump(options: CriuOptions, notify: NotifyHandler): Promise<void> {
    await this.#askWith("DUMP", options, {}, notify);
  }

  /**
   * Restores a tree. With `leaveStopped` CRIU queues a SIGSTOP for each task before it lets go of it:
   * none runs an instruction, though one may show as running until the kernel gets to it.
   *
   * @returns its root's pid as this process sees it
   * @throws CriuError `restore-failed`; nothing of the tree is left
   */
  async restore(options: CriuOptions, notify?: NotifyHandler): Promise<{ readonly pid: number }> {
    const { restore } = await this.#askWith("RESTORE", options, {}, notify);
    return { pid: pidIn(restore) };
  }

  /**
   * Starts a page server as a child of this criu, reading from `options.pageServerFd`.
   *
   * @throws CriuError
   */
  async startPageServer(options: CriuOptions): Promise<{ readonly pid: number }> {
    this.#pageServer = true;
    const { ps } = await this.#askWith("PAGE_SERVER_CHLD", options, { keepOpen: true });
    return { pid: pidIn(ps) };
  }

  /**
   * Waits until the page server has ended.
   *
   * @returns its wait status as waitpid(2) gives it, 0 when all went well
   * @throws CriuError
   */
  async waitPageServer(pid: number): Promise<number> {
    const { status } = await this.#ask({ type: "WAIT_PID", pid });
    return status ?? 0;
  }

  /**
   * Ends criu at once, with a pre-dump or page server that it runs. A tree in a dump runs on; tasks of an
   * unfinished restore stay behind.
   */
  kill(): void {
    // Only these are the work of forked workers, and only they keep to criu's process group: a restored
    // --shell-job is in it too.
    const byWorker = this.#asking === "PRE_DUMP" || this.#pageServer;
    this.#transport.kill(byWorker ? "with-children" : undefined);
  }

  /** Ends criu, as {@linkcode CriuSession.kill} does, and lets go of it. */
  close(): void {
    this.kill();
    this.#transport[Symbol.dispose]();
  }

  /** The same as close. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Closes and waits until criu is reaped. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.exited;
  }

  async #askWith(
    type: RequestType,
    options: CriuOptions,
    request: Partial<RequestMessage>,
    notify?: NotifyHandler,
  ): Promise<ResponseMessage> {
    const logFile = `${type.toLowerCase().replaceAll("_", "-")}.log`;
    const defaults = { notify: notify !== undefined, logFile, foreign: this.#foreign };
    using opened = new OpenedOptions(options, defaults);
    return await this.#ask({ type, opts: opened.message, ...request }, opened.logPath, notify);
  }

  async #ask(
    request: RequestMessage,
    logPath?: string,
    notify?: NotifyHandler,
  ): Promise<ResponseMessage> {
    this.#phase = this.#phaseAfter(request);
    this.#asking = request.type;
    try {
      return await converse(this.#transport, { request, logPath, notify });
    } finally {
      this.#asking = undefined;
    }
  }

  /** CRIU would close the connection over a request that may not come now. */
  #phaseAfter({ type, keepOpen }: RequestMessage): Phase {
    const fits = type === "PRE_DUMP" || type === "DUMP"
      ? this.#phase !== "spent"
      : this.#phase === "fresh";
    if (!fits || this.#asking !== undefined) {
      const why = this.#asking === undefined ? `this session is ${this.#phase}` : "it is busy";
      throw new PhaulError("internal", `Cannot ask criu for ${type}: ${why}`);
    }
    if (type === "PRE_DUMP") return "pre-dumped";
    return keepOpen ? "fresh" : "spent";
  }
}

function outsideOfServices(transport: CriuTransport, foreign: boolean): CriuSession {
  try {
    leaveServiceCgroup(transport.pid);
    return new CriuSession(transport, foreign);
  } catch (error) {
    transport[Symbol.dispose]();
    throw error;
  }
}

function pidIn(answer: { readonly pid?: number } | undefined): number {
  const pid = answer?.pid ?? 0;
  if (pid > 0) return pid;
  throw new PhaulError("criu-failed", "Cannot go on: criu answered without a pid");
}
