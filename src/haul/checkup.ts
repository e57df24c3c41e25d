/**
 * Everything that can be known before a migration: of the tree, of both hosts, and of the two together.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import {
  checkCpu,
  checkDestination,
  checkHost,
  checkPair,
  type Demand,
  type Finding,
  isCheckCode,
  type Victim,
} from "../check/mod.ts";
import type { CriuSession } from "../criu/mod.ts";
import type {
  CheckedReply,
  CheckRequest,
  FileFact,
  FindingFact,
  HostFacts,
  UserFact,
} from "../wire/mod.ts";
import type { HostsVersions } from "./events.ts";
import {
  askCriu,
  clockNow,
  cpuObjection,
  type CriuFacts,
  reportHost,
  sameCpu,
} from "./host_report.ts";
import { movesOf, outsideTrees } from "./files/source_files.ts";
import { findTargets, type TargetPolicy } from "./files/targets.ts";
import type { FileStrategy, MigrateOptions } from "./options.ts";
import type { Peer } from "./peer.ts";
import { type RestorerOptions, startRestorer } from "./restorer.ts";

type MovingParts = Pick<MigrateOptions, "fs" | "overwrite">;

/** More findings than that are no help to anybody. */
const MAX_FINDINGS = 1000;
const NO_DEMAND: Demand = {
  ...{ pids: [], ownPidNamespace: false, memoryBytes: 0, otherUsers: false },
};

/** A finding, and whose it is: one host's, the tree's on the source, or of the two hosts together. */
export interface PlacedFinding extends Finding {
  readonly on: "source" | "destination" | "both";
}

/** What hosts were found to be. */
export interface HostCheckup {
  readonly findings: readonly PlacedFinding[];
  readonly source: HostFacts;
  /** Only where a peer was asked. */
  readonly destination?: HostFacts;
}

/** What of it a migration tells. */
export function versionsOf(
  { source, destination }: Pick<HostCheckup, "source" | "destination">,
): HostsVersions {
  const versions = ({ criuVersion, kernel, arch }: HostFacts) => ({ criuVersion, kernel, arch });
  return {
    source: versions(source),
    ...(destination ? { destination: versions(destination) } : {}),
  };
}

/** What hosts are checked with. */
export interface HostCheckupParts {
  /** Of the criu that would dump; stays its giver's. */
  readonly session: CriuSession;
  readonly workDir?: string;
  readonly victim?: Victim;
  readonly peer?: Peer;
  /** That criu takes no page channel. */
  readonly throughFiles?: boolean;
  readonly fs?: readonly FileStrategy[];
  readonly overwrite?: boolean;
  /** Ends the wait for the peer. */
  readonly signal?: AbortSignal;
}

/**
 * Checks this host, and that of the peer if there is one: by itself, for the victim, and together with
 * this one. What the victim itself was found to be is not repeated.
 *
 * @throws PhaulError of the peer's, of criu's
 */
export async function checkHosts(parts: HostCheckupParts): Promise<HostCheckup> {
  const { session, workDir, victim, peer, throughFiles, signal } = parts;
  const source = await reportHost(await askCriu(session, workDir), "source", workDir);
  const demand = { ...victim ? demandOf(victim) : NO_DEMAND, throughFiles };
  const findings = placed("source", checkHost(source, "source", demand));
  if (!peer) return { findings, source };
  const asked = performance.now();
  const request = { ...checkRequest(source, victim, parts.fs), ...movesOf(parts) };
  const { host: destination, findings: there } = await peer.request(request, { signal });
  // It looked at its clock when it answered.
  const passedMs = performance.now() - asked;
  findings.push(...placed("destination", there.map(believed).map((one) => movable(one, parts))));
  // Where it does not fit there, nobody asks about the way back.
  const settled = destination.arch !== source.arch || sameCpu(source, destination) ||
    there.some(({ code }) => code === "cpu");
  const cpuBack = settled ? undefined : await cpuObjection(session, destination.cpuinfo, workDir);
  const clockAheadMs = destination.clockMs - (source.clockMs + passedMs);
  findings.push(...placed("both", checkPair(source, destination, { clockAheadMs, cpuBack })));
  return { findings, source, destination };
}

/** So many may wait for their turn: each is answered in well under a second. */
const MAX_WAITING = 8;

/** The destination's part: answers one request at a time. */
export class CheckDesk {
  readonly #restorer: RestorerOptions;
  readonly #workDir: string | undefined;
  readonly #deadlineMs: number;
  readonly #policy: () => Promise<TargetPolicy>;
  /** Asked of one criu once: each costs as much as all the rest of an answer. */
  #known: { readonly criu: string; readonly facts: CriuFacts } | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** @param deadlineMs How long one answer may take, in milliseconds. */
  constructor(
    restorer: RestorerOptions,
    workDir: string | undefined,
    deadlineMs: number,
    policy: () => Promise<TargetPolicy>,
  ) {
    this.#policy = policy;
    this.#restorer = restorer;
    this.#workDir = workDir;
    this.#deadlineMs = deadlineMs;
  }

  /**
   * Each starts a criu: many at once would be a way to load this host.
   *
   * @throws PhaulError `busy` when too many wait; `criu-failed` when criu takes too long
   */
  async answer(request: CheckRequest): Promise<CheckedReply> {
    if (this.#waiting >= MAX_WAITING) {
      throw new PhaulError("busy", "Cannot check for one more source: too many wait already", {
        remedy: "Try again in a moment",
      });
    }
    this.#waiting++;
    const answer = this.#last.then(() => this.#answer(request));
    this.#last = answer.catch(() => {});
    try {
      return await answer;
    } finally {
      this.#waiting--;
    }
  }

  async #answer(request: CheckRequest): Promise<CheckedReply> {
    const { pids, ownPidNamespace, files, users, memoryBytes } = request;
    const workDir = this.#workDir;
    const host = await reportHost(await this.#criuFacts(), "destination", workDir);
    const cpuThere = host.arch !== request.host.arch || sameCpu(host, request.host)
      ? undefined
      : await this.#withCriu((session) => cpuObjection(session, request.host.cpuinfo, workDir));
    const findings = [
      ...checkHost(host, "destination", {
        ...{ pids, ownPidNamespace, memoryBytes, otherUsers: ofOthers(users) },
      }),
      ...checkCpu({ cpuThere }),
      ...checkDestination({ pids, ownPidNamespace, files, users }),
      ...(request.moves ? findTargets(request.moves, await this.#policy()) : []),
    ];
    const now = { ...host, clockMs: clockNow() };
    return { type: "checked", host: now, findings: findings.slice(0, MAX_FINDINGS) };
  }

  async #criuFacts(): Promise<CriuFacts> {
    const { criuPath, criuSocket } = this.#restorer;
    // Who answers behind a socket may be another tomorrow.
    const criu = criuSocket === undefined ? await fileKey(criuPath) : undefined;
    if (criu !== undefined && this.#known?.criu === criu) return this.#known.facts;
    const facts = await this.#withCriu((session) => askCriu(session, this.#workDir));
    // It has none where a full disk kept criu from writing it: to be asked again.
    if (criu !== undefined && facts.cpuinfo.length > 0) this.#known = { criu, facts };
    return facts;
  }

  async #withCriu<T>(work: (session: CriuSession) => Promise<T>): Promise<T> {
    await using session = await startRestorer(this.#restorer);
    // A criu that is closed fails what was asked of it.
    const timer = setTimeout(() => session.kill(), this.#deadlineMs);
    using _timer = { [Symbol.dispose]: () => clearTimeout(timer) };
    return await work(session);
  }
}

/** What tells one file from another that took its place. */
async function fileKey(path: string): Promise<string | undefined> {
  const stat = await Deno.stat(path).catch(() => undefined);
  return stat && [stat.dev, stat.ino, stat.size, stat.mtime?.getTime()].join();
}

/** What a destination is asked of `victim`, which runs on `host`, and of files that come along. */
export function checkRequest(
  host: HostFacts,
  victim: Victim | undefined,
  fs?: readonly FileStrategy[],
): CheckRequest {
  return {
    type: "check",
    host,
    pids: victim?.taskIds ?? [],
    ownPidNamespace: victim?.ownPidNamespace ?? false,
    files: outsideTrees(victim?.files ?? [], fs).map(fileFact),
    users: victim?.users ?? [],
    memoryBytes: victim?.memoryBytes ?? 0,
  };
}

/** What of a file the destination is told. */
export function fileFact({ path, size, kind, mode, appendOnly, buildId }: FileFact): FileFact {
  return { path, size, kind, mode, appendOnly, ...(buildId === undefined ? {} : { buildId }) };
}

function demandOf({ taskIds: pids, ownPidNamespace, memoryBytes, users }: Victim): Demand {
  return { pids, ownPidNamespace, memoryBytes, otherUsers: ofOthers(users) };
}

function ofOthers(users: readonly UserFact[]): boolean {
  return users.some(({ uid }) => uid !== 0);
}

/** What stops a tree whose files do not come along, and not this one. */
function movable(finding: Finding, { fs = [], overwrite = false }: MovingParts): Finding {
  const comes = finding.code === "file-missing" || overwrite && finding.code === "file-differs";
  if (!comes || !fs.some(({ kind }) => kind === "open")) return finding;
  const { code, message } = finding;
  return { code, severity: "note", message: `${message}: it is brought over (--fs open)` };
}

/** A peer's finding, if this phaul knows of such. */
export function believed({ code, severity, message, remedy }: FindingFact): Finding {
  if (isCheckCode(code)) return { code, severity, message, remedy };
  throw new PhaulError("protocol", `Cannot take the peer's finding "${code}": it is unknown here`);
}

/** Findings with their place. */
export function placed(on: PlacedFinding["on"], findings: readonly Finding[]): PlacedFinding[] {
  return findings.map((finding) => ({ ...finding, on }));
}
