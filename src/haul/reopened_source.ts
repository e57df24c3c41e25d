/**
 * The source's role after its phaul died: executes the source's table from the journal on.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import {
  isLent,
  SOURCE_TABLE,
  type SourceAction,
  type SourceEvent,
  sourceRecovery,
  type SourceState,
} from "../migrate/tables.ts";
import {
  type Connection,
  giveBackUnit,
  giveCpuBack,
  killCriuOf,
  leftByCriu,
  listConnections,
  listTree,
  lives,
  type ProcessIdentity,
  ProcessTree,
  silenceConnections,
  type TreeProcess,
  unlockConnections,
} from "../proc/mod.ts";
import { ArchivePeer } from "./archive_peer.ts";
import type { EventSink } from "./events.ts";
import { LeftPages } from "../pages/mod.ts";
import { type BeginRecord, type DiskJournal, findRecord } from "../journal/mod.ts";
import { type Cause, type Effects, type Machine, tellingMachine } from "./machine.ts";
import { untilDead } from "./death.ts";
import { afterRestart, notForced, RISKS, untold } from "./decisions.ts";
import type { Force, RecoverOptions } from "./options.ts";
import { PAGE_BYTES } from "./admission.ts";
import { Lending, undrained } from "./lending.ts";
import { type Destination, Peer } from "./peer.ts";
import { Stages } from "./stages.ts";
import { askWhatPeerHas, Verdict } from "./verdicts.ts";
import { openWorkDir } from "./work_dir.ts";

/** What a reopened source works with; the journal becomes the role's. */
export interface ReopenedSourceParts {
  readonly migration: string;
  readonly begin: BeginRecord;
  readonly journal: DiskJournal;
  readonly options: Pick<RecoverOptions, "force" | "timeouts">;
  readonly sink: EventSink;
}

/** How the recovery of a source ended. */
export interface ReopenedOutcome {
  readonly state: "done" | "aborted" | "in-doubt" | "undecided";
  /** The peer knows, and the journal is gone. */
  readonly settled: boolean;
  /** Why it did not come to `done`, where there is more to say. */
  readonly error?: PhaulError;
}

/** One migration whose source was left by a phaul that died. */
export class ReopenedSource {
  readonly #parts: ReopenedSourceParts;
  readonly #machine: Machine<SourceState, SourceEvent, SourceAction>;
  readonly #tree: ProcessTree;
  readonly #tasks: readonly TreeProcess[];
  readonly #connections: readonly Connection[];
  readonly #peer: Destination;
  readonly #verdict: Verdict;
  readonly #stages: Stages;
  readonly #ended = Promise.withResolvers<ReopenedOutcome>();
  #force: Force | undefined;
  #settled = false;
  #error: PhaulError | undefined;

  private constructor(parts: ReopenedSourceParts, peer: Destination) {
    this.#parts = parts;
    this.#peer = peer;
    this.#force = parts.options.force;
    const { journal, migration, sink } = parts;
    // Pids of another boot are other processes'.
    const intent = journal.rebooted ? undefined : findRecord(journal.records, "INTENT");
    this.#tasks = intent?.tasks ?? [];
    this.#connections = intent?.connections ?? [];
    this.#tree = ProcessTree.adopt(this.#tasks);
    this.#stages = new Stages({ sink, side: "source", migration });
    const { timeouts } = parts.options;
    this.#verdict = new Verdict({ peer, migration, timeouts, stages: this.#stages, journal });
    this.#machine = tellingMachine(this.#stages, {
      side: "source",
      table: SOURCE_TABLE,
      initial: "reopened",
      effects: this.#effects(),
    });
  }

  /**
   * Finishes or rolls back, as far as the journal, the peer and `force` allow; afterwards the journal is
   * closed, and removed where nothing is left to decide.
   */
  static async run(parts: ReopenedSourceParts): Promise<ReopenedOutcome> {
    using _journal = parts.journal;
    const { peer: address, tokenFile, insecure, archive } = parts.begin;
    const { timeouts } = parts.options;
    using peer = archive === undefined
      ? new Peer({ address, tokenFile, insecure, timeouts })
      : ArchivePeer.reopened(archive, parts.migration);
    const role = new ReopenedSource(parts, peer);
    using _tree = role.#tree;
    const marks = parts.journal.records.map(({ record }) => record.mark);
    const event = sourceRecovery(marks, parts.journal.rebooted);
    role.#stages.reopened(parts.begin.comm, event);
    await role.#stages.leniently(() => role.#giveCpuBack());
    role.#machine.dispatch(event);
    return await role.#ended.promise;
  }

  #effects(): Effects<SourceEvent, SourceAction> {
    const { journal } = this.#parts;
    const leniently = (step: () => Promise<void>) => this.#stages.leniently(step);
    return {
      "copy": notAgain,
      "dump": notAgain,
      "prepare": notAgain,
      "journal-intent": notAgain,
      "stop-tree": notAgain,
      "journal-lent": notAgain,
      "drain": () => void this.#drain(),
      "journal-commit": async () => {
        await journal.record({ mark: "COMMIT" });
        return "written" as const;
      },
      // The criu that could be answered died with its phaul.
      "accept-dump": () => this.#killTree(),
      "refuse-dump": () => this.#endCriu(),
      "kill-tree": () => this.#killTree(),
      "await-death": () => void this.#awaitDeath(),
      "send-commit": () => void this.#sendCommit(),
      "journal-done": async () => {
        await leniently(() => journal.record({ mark: "DONE" }));
        await leniently(() => this.#unlock());
      },
      "journal-abort": () => leniently(() => journal.record({ mark: "ABORT" })),
      "journal-aborted": async () => {
        await leniently(() => this.#unlock());
        // Before it counts as rolled back: later the unit may be another migration's to release.
        await leniently(() => this.#giveBackUnit());
        await leniently(() => journal.record({ mark: "ABORTED" }));
      },
      "continue-tree": async () => {
        await leniently(() => this.#unlock());
        this.#tree.continue(stoppedBefore(this.#tasks));
      },
      "end-criu": () => this.#endCriu(),
      "kill-criu": () => killCriuOf(this.#held),
      "send-abort": () => this.#verdict.abort("its phaul on the source ended"),
      "ask-peer": () => void this.#askPeer(),
      "tidy": () => this.#tidy(),
      "report": (cause) => this.#report(cause),
    };
  }

  /** CRIU lets the tree run once it notices that nobody answers it. */
  #endCriu(): void {
    const ended = () => this.#machine.dispatch("criu-ended");
    leftByCriu(this.#held).then(ended, (error) => {
      // Still frozen, it is not rolled back: the journal stays for another attempt.
      this.#ended.resolve({ state: "in-doubt", settled: false, error: asPhaulError(error) });
    });
  }

  async #killTree(): Promise<void> {
    // Nobody is to hear of the death of what lives elsewhere.
    const silence = () => Promise.resolve(void silenceConnections(this.#tree.living));
    await this.#stages.leniently(silence);
    this.#tree.kill();
  }

  /** Gives the destination what it lacks of the memory that the tree was left with. */
  async #drain(): Promise<void> {
    const { migration, begin: { workDir }, options: { timeouts } } = this.#parts;
    const parts = { migration, peer: this.#peer, stages: this.#stages, timeouts };
    try {
      using lending = new Lending(parts, LeftPages.read(workDir, PAGE_BYTES));
      lending.resume(this.#tasks);
      await lending.drain();
      this.#machine.dispatch("drained");
    } catch (cause) {
      this.#error = undrained(parts, cause);
      this.#machine.dispatch("failed", this.#error);
    }
  }

  /** Whatever comes next, it was slowed down for a migration that is no more. */
  #giveCpuBack(): Promise<void> {
    const limit = findRecord(this.#parts.journal.records, "THROTTLED");
    return Promise.try(() => limit && giveCpuBack(limit));
  }

  /** A migration that released the tree's unit could not give it back. */
  async #giveBackUnit(): Promise<void> {
    const { begin } = this.#parts;
    if (!lives(begin)) return;
    for (const message of await giveBackUnit(begin.pid)) this.#stages.warn(message);
  }

  /** A criu that was killed, or whose dump was a success, leaves the connections locked. */
  async #unlock(): Promise<void> {
    const { pid, startTimeTicks } = this.#parts.begin;
    const processes = lives({ pid, startTimeTicks }) ? listTree(pid) : [];
    const connections = [...this.#connections, ...listConnections(processes)];
    await unlockConnections({ processes, connections });
  }

  /** Of this boot alone: later ones are other processes'. */
  get #held(): readonly ProcessIdentity[] {
    const { begin, journal } = this.#parts;
    return journal.rebooted ? [] : [begin, ...this.#tasks];
  }

  /** A criu that hangs keeps the threads that it traces from being gone. */
  async #awaitDeath(): Promise<void> {
    const { stallMs } = this.#parts.options.timeouts;
    const timer = setInterval(() => this.#machine.dispatch("stalled"), stallMs);
    await untilDead(this.#tree, this.#stages);
    clearInterval(timer);
    this.#machine.dispatch("dead");
  }

  async #sendCommit(): Promise<void> {
    const answer = await this.#verdict.commit();
    if (answer === "acknowledged") return this.#machine.dispatch("acknowledged");
    this.#error = answer.error;
    this.#machine.dispatch(answer.final ? "failed" : "gave-up", answer.error);
  }

  async #askPeer(): Promise<void> {
    const { migration, options } = this.#parts;
    try {
      this.#machine.dispatch(await askWhatPeerHas(this.#peer, migration, options.timeouts));
    } catch (error) {
      this.#machine.dispatch("gave-up", asPhaulError(error));
    }
  }

  async #tidy(): Promise<void> {
    const { begin, journal, migration } = this.#parts;
    const { delivered, because } = await this.#verdict.settle(this.#machine.state === "done");
    this.#settled = delivered;
    this.#error ??= because;
    if (!delivered && this.#force === "source") {
      this.#force = undefined;
      this.#settled = true;
      await journal.remove();
    }
    if (!this.#settled) this.#error ??= untold(this.#peer.name, migration);
    if (!begin.keepImages) await openWorkDir(begin.workDir)[Symbol.asyncDispose]();
  }

  #report({ error }: Cause<SourceEvent>): void {
    const { state } = this.#machine;
    this.#error ??= error;
    const forced = this.#takeForce(state);
    if (forced) return this.#machine.dispatch(forced);
    const known = state === "done" || state === "in-doubt" || state === "undecided";
    if (state === "undecided") {
      this.#error = afterRestart(this.#parts.migration, this.#peer.name, error);
    }
    if (this.#force) this.#error = notForced(this.#parts.migration, this.#force, state);
    this.#ended.resolve({
      state: known ? state : "aborted",
      settled: this.#settled,
      ...(this.#error ? { error: this.#error } : {}),
    });
  }

  /** The operator's word counts once, and only where the journals do not suffice. */
  #takeForce(state: SourceState): SourceEvent | undefined {
    const force = this.#force;
    const lent = isLent(this.#parts.journal.records.map(({ record }) => record.mark));
    const counts = state === "undecided" ||
      (state === "in-doubt" && (lent || force === "destination"));
    if (force === undefined || !counts) return undefined;
    this.#force = undefined;
    this.#stages.warn(RISKS[force]);
    return `force-${force}`;
  }
}

/** Pids, in the innermost namespace, of the tasks that somebody had stopped before the freeze. */
function stoppedBefore(tasks: readonly TreeProcess[]): ReadonlySet<number> {
  return new Set(tasks.filter(({ state }) => state === "stopped").map(({ nsPid }) => nsPid));
}

function notAgain(): never {
  throw new PhaulError("internal", "Cannot begin a migration from a journal");
}
