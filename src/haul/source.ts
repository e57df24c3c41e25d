/**
 * The source's role: executes the source's table. Every action of the table has its effect here.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import type { CriuSession } from "../criu/mod.ts";
import { SOURCE_TABLE, type SourceAction, type SourceEvent } from "../migrate/tables.ts";
import type { SourceState } from "../migrate/tables.ts";
import { sendImages } from "../wire/mod.ts";
import { PhaulClient } from "./client.ts";
import { PLAN_MADE } from "./plan_made.ts";
import { deeperReason, requireSame } from "./verdicts.ts";
import type { ClientReport, PhaulConfig, PhaulLocal } from "./config.ts";
import { untilDead } from "./death.ts";
import { alsoSyncing } from "./files/source_files.ts";
import { type DumpListener, FinalDump } from "./final_dump.ts";
import type { Probed } from "./events.ts";
import { imagesOf } from "./images.ts";
import { type Cause, type Effects, Machine } from "./machine.ts";
import { probeRunning, probeStopped } from "./probe.ts";
import type { SourceOutcome, SourceParts } from "./source_parts.ts";
import { stageObserver } from "./stages.ts";
import { frozenTooLong, Watchdog } from "./watchdog.ts";

/** States in which the tree is frozen, and may still be let go. */
const FROZEN: ReadonlySet<SourceState> = new Set(["dumping", "frozen", "intended"]);

/** One migration on the source. It is its own local engine: the client calls it for the switchover. */
export class SourceRole implements PhaulLocal {
  readonly #parts: SourceParts;
  readonly #machine: Machine<SourceState, SourceEvent, SourceAction>;
  readonly #watchdog: Watchdog;
  readonly #ended = Promise.withResolvers<void>();
  readonly #engine = Promise.withResolvers<void>();
  readonly #cancelled = new AbortController();
  #client: Promise<ClientReport> | undefined;
  #finalDump: FinalDump | undefined;
  #frozenTimer: number | undefined;
  #imageBytes = 0;
  #steps = 0;
  #awaitsPeer = false;
  #switchoverMs: number | undefined;
  #probed: Probed | undefined;
  #signal: AbortSignal | undefined;
  /** Why the control link ended, once it has. */
  #lost: PhaulError | undefined;
  #reason: PhaulError | undefined;

  constructor(parts: SourceParts) {
    this.#parts = parts;
    this.#machine = new Machine({
      side: "source",
      table: SOURCE_TABLE,
      initial: "checked",
      effects: this.#effects(),
      failure: "failed",
      onTransition: (from, on, to) => {
        this.#steps++;
        parts.stages.transition(from, on, to);
      },
      onDefect: (error) => parts.stages.warn(error.message),
    });
    this.#watchdog = new Watchdog(parts.options.timeouts.stallMs, {
      progress: () =>
        `${this.#steps} ${parts.way.pages.totalBytes + parts.files.sentBytes} ${this.#imageBytes}`,
      paused: () => this.#awaitsPeer || parts.way.remote.starting || parts.stages.inHook,
      stalled: (error) => this.#fail("stalled", error),
    });
    this.#engine.promise.catch(() => {});
  }

  /** Migrates; resolves when the role reached a final state. `signal` cancels, before the commit. */
  async run(signal: AbortSignal): Promise<SourceOutcome> {
    const { peer, way } = this.#parts;
    this.#signal = signal;
    const cancelled = new PhaulError("cancelled", "Cannot go on: the migration was cancelled");
    const cancel = () => this.#fail("cancel", cancelled);
    signal.addEventListener("abort", cancel);
    void peer.lost.then((error) => {
      this.#lost = error;
      this.#fail("peer-lost", error);
    });
    way.pages.failed.catch((error) => this.#fail("failed", asPhaulError(error)));
    using _watchdog = this.#watchdog;
    this.#machine.dispatch("start");
    if (signal.aborted) cancel();
    await this.#ended.promise;
    this.#machine.stop();
    clearTimeout(this.#frozenTimer);
    signal.removeEventListener("abort", cancel);
    return await this.#outcome();
  }

  /** A plan ends here. */
  async beforeSwitchover(): Promise<void> {
    if (!this.#parts.plan) return await this.#parts.files.arm(this.#cancelled.signal);
    this.#fail("cancel", PLAN_MADE);
    await this.#engine.promise;
  }

  /** Called by the client for the switchover; see {@linkcode PhaulLocal}. */
  async dumpCopyRestore(
    session: CriuSession,
    config: PhaulConfig,
    lastImagesDir: string | undefined,
  ): Promise<void> {
    this.#finalDump = new FinalDump(session, config, lastImagesDir);
    this.#machine.dispatch("copied");
    await this.#engine.promise;
  }

  async #outcome(): Promise<SourceOutcome> {
    const { state } = this.#machine;
    const report = await this.#client?.catch(() => undefined);
    if (state === "done") {
      const { summary: files } = this.#parts.files;
      return { state, report, switchoverMs: this.#switchoverMs, probed: this.#probed, files };
    }
    return { state: state === "in-doubt" ? state : "aborted", error: this.#reason, report };
  }

  #fail(event: "failed" | "stalled" | "cancel" | "peer-lost" | "criu-ended", error: PhaulError) {
    this.#machine.dispatch(event, error);
  }

  #effects(): Effects<SourceEvent, SourceAction> {
    const { stages, journal, migration, tree } = this.#parts;
    return {
      "copy": () => this.#copy(),
      "dump": () => this.#dump.start(this.#dumpListener()),
      "prepare": () => void this.#prepare(),
      "journal-intent": async () => {
        await stages.pass({ event: "prepared", migration });
        await journal.record(this.#dump.intent());
      },
      "stop-tree": async () => {
        await tree.stop();
        this.#dump.requireHeld();
        // Behind what waits: a cancel that came before it is still in time.
        this.#machine.dispatch("stopped");
      },
      "journal-commit": async () => {
        await journal.record({ mark: "COMMIT" });
        return "written" as const;
      },
      "accept-dump": async () => {
        await stages.reach({ event: "committed", migration });
        this.#dump.accept(tree);
      },
      "await-death": () => void this.#awaitDeath(),
      "kill-tree": () => this.#dump.killTree(tree),
      "send-commit": () => void this.#sendCommit(),
      "journal-done": async () => {
        this.#switchoverMs = performance.now() - this.#dump.frozenAt;
        await this.#parts.stages.leniently(() => journal.record({ mark: "DONE" }));
        await stages.reach({ event: "running", migration });
        // Not sooner: until the address has moved, this host answers its packets with RST.
        await stages.leniently(() => this.#dump.unlock());
        this.#probed = await probeRunning(this.#parts, this.#signal);
      },
      "journal-abort": async (cause) => {
        this.#reason ??= cause.error;
        this.#parts.files.giveUp(this.#reason);
        await this.#parts.stages.leniently(() => journal.record({ mark: "ABORT" }));
      },
      "journal-aborted": () => stages.leniently(() => journal.record({ mark: "ABORTED" })),
      "continue-tree": () => tree.continue(this.#dump.stopped),
      "refuse-dump": () => this.#finalDump?.refuse(this.#reason),
      "end-criu": () => this.#endCriu(),
      "kill-criu": () => this.#finalDump?.kill(),
      "send-abort": (cause) => this.#sendAbort(cause),
      "ask-peer": () => {},
      "tidy": () => this.#tidy(),
      "report": (cause) => this.#report(cause),
    };
  }

  /** Starts the client, whose end (unless this role ended it) is an event. */
  #copy(): void {
    const { options, way, workDir, stages, migration, throttle, files } = this.#parts;
    const client = new PhaulClient(this, way.remote, {
      pid: options.pid,
      memory: way.memory,
      workDir,
      criuPath: options.criuPath,
      criuService: options.criuService,
      mode: options.mode,
      limits: options.limits,
      budget: options.budget,
      throttle,
      criu: options.criu,
      signal: this.#cancelled.signal,
      observer: alsoSyncing(stageObserver(stages, migration), files, this.#cancelled.signal),
    });
    this.#client = client.migrate();
    this.#client.catch((error) => this.#fail("failed", asPhaulError(error)));
  }

  #dumpListener(): DumpListener {
    return {
      freezing: () => {
        this.#parts.stages.timeline.mark("freeze");
        this.#boundFrozenTime();
      },
      dumped: () => this.#machine.dispatch("dumped"),
      ended: (error) => this.#machine.dispatch("criu-ended", error),
    };
  }

  /** What the operator set; it ends with the commit, from which on nothing is gained by giving up. */
  #boundFrozenTime(): void {
    const { maxFrozenMs } = this.#parts.options;
    if (maxFrozenMs === undefined) return;
    this.#frozenTimer = setTimeout(() => {
      if (FROZEN.has(this.#machine.state)) this.#fail("stalled", frozenTooLong(maxFrozenMs));
    }, maxFrozenMs);
  }

  get #dump(): FinalDump {
    if (!this.#finalDump) throw new PhaulError("internal", "Cannot dump without a session");
    return this.#finalDump;
  }

  /** Ends the page stream, sends the images and asks for the tree to be restored and held. */
  async #prepare(): Promise<void> {
    const { stages, migration, peer, way: { remote } } = this.#parts;
    try {
      await stages.pass({ event: "frozen", migration });
      this.#parts.way.replay?.(this.#dump.imagesDir);
      await remote.stopIter();
      if (!remote.images) throw new PhaulError("internal", "Cannot send images without a stream");
      const images = imagesOf(this.#dump.imagesDir, (bytes) => this.#imageBytes += bytes);
      const totals = await sendImages(remote.images, images);
      await this.#parts.files.final();
      this.#awaitsPeer = true;
      const ready = await peer.request({ type: "prepare", ...this.#dump.tree(), ...totals });
      requireSame(migration, ready.migrationId);
      stages.tell({ event: "destination-steps", migration, steps: ready.steps });
      await probeStopped(this.#parts);
      this.#machine.dispatch("ready");
    } catch (error) {
      this.#fail("failed", asPhaulError(error));
    } finally {
      this.#awaitsPeer = false;
    }
  }

  async #awaitDeath(): Promise<void> {
    await this.#dump.settled();
    await untilDead(this.#parts.tree, this.#parts.stages);
    this.#machine.dispatch("dead");
  }

  async #sendCommit(): Promise<void> {
    this.#awaitsPeer = true;
    const answer = await this.#parts.verdict.commit();
    if (answer === "acknowledged") this.#machine.dispatch("acknowledged");
    else {
      this.#reason = answer.error;
      this.#machine.dispatch(answer.final ? "failed" : "gave-up", answer.error);
    }
  }

  /** CRIU lets the tree run when its page channel breaks; the role waits for it to say so. */
  #endCriu(): void {
    this.#cancelled.abort(this.#reason);
    if (this.#reason) this.#parts.way.pages.abort(this.#reason);
    const dumping = this.#finalDump?.started ? this.#finalDump.settled() : undefined;
    if (!dumping) this.#engine.reject(this.#reason);
    const idle: Promise<unknown> | undefined = dumping ?? this.#client;
    const ended = () => {
      if (dumping) this.#parts.stages.timeline.mark("released");
      this.#machine.dispatch("criu-ended");
    };
    if (idle) idle.then(ended, ended);
    else ended();
  }

  #sendAbort(cause: Cause<SourceEvent>): void {
    this.#reason ??= cause.error;
    this.#parts.verdict.abort(this.#reason?.message ?? cause.event);
  }

  async #tidy(): Promise<void> {
    await this.#parts.files.end(this.#machine.state === "done");
    const { because: theirs } = await this.#parts.verdict.settle(this.#machine.state === "done");
    if (theirs?.code === "undecided") this.#reason = theirs;
    const direct = this.#parts.options.channel === "direct";
    this.#reason = deeperReason(this.#reason, { theirs, lost: this.#lost, direct });
  }

  #report(cause: Cause<SourceEvent>): void {
    this.#reason ??= cause.error;
    if (this.#machine.state === "done") this.#engine.resolve();
    else this.#engine.reject(this.#reason);
    this.#ended.resolve();
  }
}
