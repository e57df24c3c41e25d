/**
 * A conversation with one criu: requests, answers, and the notifies in between.
 *
 * @module
 */

import { SyscallError } from "../errors.ts";
import type { Fd } from "../sys/mod.ts";
import { leaveOwnCgroup } from "./cgroup.ts";
import { failureOf } from "./failure.ts";
import type { CriuVersion } from "./find.ts";
import {
  REQUEST,
  type RequestMessage,
  type RequestType,
  RESPONSE,
  type ResponseMessage,
} from "./messages.ts";
import { type CriuOptions, OpenedOptions } from "./options.ts";
import { type CriuTransport, startSwrk } from "./transport.ts";

/** What CRIU tells in the middle of a dump or restore. */
export interface NotifyContext {
  /** CRIU's name of the stage, such as `post-dump`. */
  readonly name: string;
  /** Root of the restored tree, where CRIU says it. */
  readonly pid?: number;
  /** A descriptor that came along; closed after the handler unless taken with `intoRaw`. */
  readonly fd?: Fd;
}

/** Answers a notify: success by returning, failure by throwing. Stages it does not know, it ignores. */
export type NotifyHandler = (notify: NotifyContext) => void | Promise<void>;

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
  /** What criu restores is to live outside phaul's own cgroup. */
  readonly moveToRootCgroup?: boolean;
}

/**
 * One `criu swrk`. `version`, `features`, `preDump` and `startPageServer` keep it open; `dump`,
 * `restore` and `waitPageServer` are the last request of a session. One request at a time.
 */
export class CriuSession implements Disposable {
  readonly #transport: CriuTransport;

  /** Takes over `transport`. */
  constructor(transport: CriuTransport) {
    this.#transport = transport;
  }

  /**
   * Starts a criu of one's own.
   *
   * @throws SyscallError when it cannot be started
   */
  static start(criuPath: string, options: SessionOptions = {}): CriuSession {
    const transport = startSwrk(criuPath, { inherit: options.inherit });
    if (options.moveToRootCgroup) leaveOwnCgroup(transport.pid);
    return new CriuSession(transport);
  }

  /** criu's pid. */
  get pid(): number {
    return this.#transport.pid;
  }

  /** Resolves when criu has ended. */
  get exited(): Promise<void> {
    return this.#transport.exited;
  }

  /** CRIU's version. */
  async version(): Promise<CriuVersion> {
    const { version } = await this.#ask({ type: "VERSION", keepOpen: true });
    const { majorNumber: major = 0, minorNumber: minor = 0, sublevel: sub = 0 } = version ?? {};
    return { major, minor, sub, text: sub ? `${major}.${minor}.${sub}` : `${major}.${minor}` };
  }

  /** What CRIU can do on this kernel. */
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
   * Compares this host's CPU features with those in `imagesDir`.
   *
   * @throws CriuError when a tree from there could not run here
   */
  async cpuinfoCheck(imagesDir: string): Promise<void> {
    await this.#askWith("CPUINFO_CHECK", { imagesDir }, { keepOpen: true });
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
   * Restores a tree.
   *
   * @returns its root's pid as this process sees it
   * @throws CriuError; nothing of the tree is left
   */
  async restore(options: CriuOptions, notify?: NotifyHandler): Promise<{ readonly pid: number }> {
    const { restore } = await this.#askWith("RESTORE", options, {}, notify);
    return { pid: restore?.pid ?? -1 };
  }

  /**
   * Starts a page server as a child of this criu, reading from `options.pageServerFd`.
   *
   * @throws CriuError
   */
  async startPageServer(options: CriuOptions): Promise<{ readonly pid: number }> {
    const { ps } = await this.#askWith("PAGE_SERVER_CHLD", options, { keepOpen: true });
    return { pid: ps?.pid ?? -1 };
  }

  /**
   * Waits until the page server has ended.
   *
   * @returns its wait status, 0 when all went well
   */
  async waitPageServer(pid: number): Promise<number> {
    const { status } = await this.#ask({ type: "WAIT_PID", pid });
    return status ?? 0;
  }

  /** Ends criu at once; a tree in a dump runs on. */
  kill(): void {
    this.#transport.kill();
  }

  /** Ends criu and lets go of it. */
  close(): void {
    this.#transport[Symbol.dispose]();
  }

  /** The same as close. */
  [Symbol.dispose](): void {
    this.close();
  }

  async #askWith(
    type: RequestType,
    options: CriuOptions,
    request: Partial<RequestMessage>,
    notify?: NotifyHandler,
  ): Promise<ResponseMessage> {
    const logFile = `${type.toLowerCase().replaceAll("_", "-")}.log`;
    using opened = new OpenedOptions(options, { notify: notify !== undefined, logFile });
    return await this.#ask({ type, opts: opened.message, ...request }, opened.logPath, notify);
  }

  async #ask(
    request: RequestMessage,
    logPath?: string,
    notify?: NotifyHandler,
  ): Promise<ResponseMessage> {
    let refusal: unknown;
    await this.#send(request);
    for (;;) {
      const message = await this.#transport.receive();
      if (message === null) throw await failureOf(request.type, null, logPath, refusal);
      const response = RESPONSE.decode(message.data);
      if (response.type !== "NOTIFY") {
        return await this.#accept(request, response, logPath, refusal);
      }
      refusal = await this.#notified(response, message.fds, notify) ?? refusal;
    }
  }

  /** A criu that is gone shows at the next receive, with its last words before. */
  async #send(request: RequestMessage): Promise<void> {
    try {
      await this.#transport.send(REQUEST.encode(request));
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
    }
  }

  async #accept(
    request: RequestMessage,
    response: ResponseMessage,
    logPath: string | undefined,
    refusal: unknown,
  ): Promise<ResponseMessage> {
    // A page server of one's own is answered as if it were any page server.
    const answer = request.type === "PAGE_SERVER_CHLD" ? "PAGE_SERVER" : request.type;
    if (response.success && response.type === answer) return response;
    throw await failureOf(request.type, response, logPath, refusal);
  }

  /** Hands a notify to the handler and answers it, whatever happens; returns what was thrown. */
  async #notified(
    response: ResponseMessage,
    fds: readonly Fd[],
    notify: NotifyHandler | undefined,
  ): Promise<unknown> {
    const { script = "", pid } = response.notify ?? {};
    const [fd] = fds;
    let thrown: unknown;
    try {
      await notify?.({ name: script, ...(pid ? { pid } : {}), ...(fd ? { fd } : {}) });
    } catch (error) {
      thrown = error ?? new Error(`${script} was refused`);
    }
    for (const left of fds) left.close();
    await this.#send({ type: "NOTIFY", notifySuccess: thrown === undefined });
    return thrown;
  }
}
