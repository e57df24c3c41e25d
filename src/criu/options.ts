/**
 * CRIU's options as phaul's callers give them, and their way into a request.
 *
 * @module
 */

import { type Fd, openFile } from "../sys/mod.ts";
import type { OptionsMessage } from "./messages.ts";

/** CRIU's modes of `--manage-cgroups-mode`, by CRIU's names. */
export type CgroupMode = "ignore" | "none" | "props" | "soft" | "full" | "strict";

const CGROUP_MODES: Readonly<Record<CgroupMode, string>> = {
  ignore: "IGNORE",
  none: "CG_NONE",
  props: "PROPS",
  soft: "SOFT",
  full: "FULL",
  strict: "STRICT",
};

/** How a pre-dump reads memory: CRIU's `--pre-dump-mode`. */
export type PreDumpMode = "splice" | "read";

const PRE_DUMP_MODES: Readonly<Record<PreDumpMode, string>> = { splice: "SPLICE", read: "VM_READ" };

/** With what CRIU stops the tree's connections: its `--network-lock`. */
export type NetworkLock = "iptables" | "nftables" | "skip";

const NETWORK_LOCKS: Readonly<Record<NetworkLock, string>> = {
  iptables: "IPTABLES",
  nftables: "NFTABLES",
  skip: "SKIP",
};

/** Quiet: a detailed log costs a fifth of a dump. Errors and warnings. */
const LOG_LEVEL = 2;

/** The options of a dump, restore or page server; names and meanings are CRIU's. */
export interface CriuOptions {
  /** Root of the tree to dump. */
  readonly pid?: number;
  readonly imagesDir: string;
  /** Where the log and the statistics go; the images dir when not given. */
  readonly workDir?: string;
  /** Relative to the images dir. */
  readonly parentImg?: string;
  readonly trackMem?: boolean;
  readonly leaveRunning?: boolean;
  /** The tree is left stopped by the dump or restore. */
  readonly leaveStopped?: boolean;
  readonly shellJob?: boolean;
  readonly tcpEstablished?: boolean;
  readonly tcpClose?: boolean;
  readonly extUnixSk?: boolean;
  readonly fileLocks?: boolean;
  readonly linkRemap?: boolean;
  /** In bytes. */
  readonly ghostLimit?: number;
  readonly manageCgroupsMode?: CgroupMode;
  readonly external?: readonly string[];
  /** 0 to 4. */
  readonly logLevel?: number;
  /** A name without a folder. */
  readonly logFile?: string;
  /** The page channel; must be among the session's inherited descriptors. */
  readonly pageServerFd?: Fd;
  readonly autoDedup?: boolean;
  /**
   * Of a restore: memory is filled in afterwards. Of a dump over a page channel: what may be filled in
   * later stays in the tree, and only its whereabouts go through the channel.
   */
  readonly lazyPages?: boolean;
  /** The restored root becomes a child of this process, which then must wait for it. */
  /** What of CPUs is compared: CRIU's CPU_CAP_* bits. */
  readonly cpuCap?: number;
  readonly rstSibling?: boolean;
  readonly evasiveDevices?: boolean;
  /** How long CRIU tries to freeze the tree, in seconds. */
  readonly timeout?: number;
  readonly preDumpMode?: PreDumpMode;
  readonly networkLock?: NetworkLock;
}

/** What a session adds to the options of its caller. */
export interface OptionDefaults {
  readonly notify: boolean;
  readonly logFile: string;
  /** criu may be in another mount namespace than phaul. */
  readonly foreign?: boolean;
}

/** An options message, with the descriptors that it names: they must stay open during the request. */
export class OpenedOptions implements Disposable {
  readonly message: OptionsMessage;
  /** Where CRIU writes its log. */
  readonly logPath: string;
  readonly #images: Fd;
  readonly #work: Fd;

  /**
   * Opens the directories. CRIU takes them as descriptors, which every version understands. A log of
   * the same name is removed: it must not explain the failure of a criu that died before it wrote one.
   *
   * @throws SyscallError when a directory cannot be opened; Deno.errors.* when it cannot be written
   */
  constructor(options: CriuOptions, defaults: OptionDefaults) {
    const workDir = options.workDir ?? options.imagesDir;
    const logFile = options.logFile ?? defaults.logFile;
    this.logPath = `${workDir}/${logFile}`;
    this.#images = openFile(options.imagesDir, "path");
    try {
      this.#work = openFile(workDir, "path");
    } catch (error) {
      this.#images.close();
      throw error;
    }
    try {
      forget(this.logPath);
      this.message = this.#message(options, workDir, logFile, defaults);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  #message(
    options: CriuOptions,
    workDir: string,
    logFile: string,
    { notify, foreign }: OptionDefaults,
  ): OptionsMessage {
    const lines = [
      ...(options.leaveStopped ? ["leave-stopped"] : []),
      ...(leavesPages(options) ? lazyDumpLines(options.pageServerFd) : []),
      ...(foreign ? workDirLines(Deno.realPathSync(workDir)) : []),
    ];
    return {
      ...plain(options),
      ...(leavesPages(options) ? { ps: undefined, lazyPages: undefined } : {}),
      imagesDirFd: this.#images.raw,
      workDirFd: this.#work.raw,
      logFile,
      notifyScripts: notify,
      ...(lines.length > 0 ? { configFile: writeConfig(workDir, lines) } : {}),
    };
  }

  [Symbol.dispose](): void {
    this.#images.close();
    this.#work.close();
  }
}

function plain(options: CriuOptions): Omit<OptionsMessage, "imagesDirFd"> {
  const { pageServerFd, manageCgroupsMode } = options;
  return {
    pid: options.pid,
    leaveRunning: options.leaveRunning,
    extUnixSk: options.extUnixSk,
    tcpEstablished: options.tcpEstablished,
    tcpClose: options.tcpClose,
    shellJob: options.shellJob,
    fileLocks: options.fileLocks,
    logLevel: options.logLevel ?? LOG_LEVEL,
    ps: pageServerFd && { fd: pageServerFd.raw },
    parentImg: options.parentImg,
    trackMem: options.trackMem,
    autoDedup: options.autoDedup,
    linkRemap: options.linkRemap,
    rstSibling: options.rstSibling,
    cpuCap: options.cpuCap,
    manageCgroupsMode: manageCgroupsMode && CGROUP_MODES[manageCgroupsMode],
    ghostLimit: options.ghostLimit,
    external: options.external,
    lazyPages: options.lazyPages,
    evasiveDevices: options.evasiveDevices,
    timeout: options.timeout,
    preDumpMode: options.preDumpMode && PRE_DUMP_MODES[options.preDumpMode],
    networkLock: options.networkLock && NETWORK_LOCKS[options.networkLock],
  };
}

function forget(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** A dump that lets the tree keep its pages. */
function leavesPages(
  options: CriuOptions,
): options is CriuOptions & { readonly pageServerFd: Fd } {
  return options.lazyPages === true && options.pageServerFd !== undefined;
}

function lazyDumpLines({ raw }: Fd): string[] {
  return ["lazy-pages", "page-server", `ps-socket ${raw}`];
}

/** None for a path that a configuration file cannot name plainly: then the descriptor has to do. */
function workDirLines(path: string): string[] {
  return /[\s"'\\#]/.test(path) ? [] : [`work-dir ${path}`];
}

/**
 * Says the rest in a configuration file. CRIU has a current directory of its own: the path is absolute.
 *
 * - `leave-stopped`: the RPC has a field for it only since CRIU 3.19, and an older one skips the field
 *   and lets the tree run.
 * - `lazy-pages`: in an RPC it keeps a dump from using a page channel at all.
 * - `work-dir`: by descriptor a criu that is not phaul's child would get the directory as phaul's mount
 *   namespace has it, and can mount nothing there, as it does to restore cgroups.
 */
function writeConfig(workDir: string, lines: readonly string[]): string {
  const path = `${Deno.realPathSync(workDir)}/criu.conf`;
  Deno.writeTextFileSync(path, lines.map((line) => `${line}\n`).join(""), { mode: 0o600 });
  return path;
}
