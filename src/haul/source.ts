/**
 * The source's role: executes the source's table. Every action of the table has its effect here.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import type { CriuSession } from "../criu/mod.ts";
import type { StopReason } from "../migrate/policy.ts";
import {
  SOURCE_FROZEN,
  SOURCE_TABLE,
  type SourceAction,
  type SourceEvent,
  type SourceState,
} from "../migrate/tables.ts";
import { sendImages } from "../wire/mod.ts";
import { Arrival } from "./arrival.ts";
import { PhaulClient } from "./client.ts";
import { PLAN_MADE } from "./plan_made.ts";
import { deeperReason, requireSame } from "./verdicts.ts";
import type { ClientReport, PhaulConfig, PhaulLocal } from "./config.ts";
import { untilDead } from "./death.ts";
import { type DumpListener, FinalDump } from "./final_dump.ts";
import { imagesOf } from "./images.ts";
import { type Lending, lends, undrained } from "./lending.ts";
import { type Cause, type Effects, type Machine, tellingMachine } from "./machine.ts";
import { probeStopped } from "./probe.ts";
import { clientConfig, type SourceOutcome, type SourceParts } from "./source_parts.ts";
import { FrozenLimit, Watchdog } from "./watchdog.ts";

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
  readonly #frozenLimit: FrozenLimit;
  readonly #arrival: Arrival;
  /** Memory stays in the tree at the final dump. */
  #lending: Lending | undefined;
  #imageBytes = 0;
  #awaitsPeer = false;
  #signal: AbortSignal | undefined;
  /** Why the control link ended, once it has. */
  #lost: PhaulError | undefined;
  #reason: PhaulError | undefined;

  constructor(parts: SourceParts) {
    this.#parts = parts;
    this.#arrival = new Arrival(parts);
    this.#frozenLimit = new FrozenLimit(parts.options.maxFrozenMs);
    this.#machine = tellingMachine(parts.stages, {
      side: "source",
      table: SOURCE_TABLE,
      initial: "checked",
      effects: this.#effects(),
    });
    this.#watchdog = new Watchdog(parts.options.timeouts.stallMs, {
      progress: () =>
        `${this.#machine.steps} ${
          parts.way.pages.totalBytes + parts.files.sentBytes
        } ${this.#imageBytes}`,
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
    this.#frozenLimit.end();
    signal.removeEventListener("abort", cancel);
    return await this.#outcome();
  }

  /** A plan ends here; and whether memory stays behind is decided here. */
  async beforeSwitchover(reason: StopReason | undefined): Promise<void> {
    if (this.#parts.plan) {
      this.#fail("cancel", PLAN_MADE);
      await this.#engine.promise;
    }
    await this.#parts.files.arm(this.#cancelled.signal);
    if (!lends(this.#parts.options.mode, reason)) return;
    await this.#parts.lending?.connect();
    this.#lending = this.#parts.lending;
  }

  /** Called by the client for the switchover; see {@linkcode PhaulLocal}. */
  async dumpCopyRestore(
    session: CriuSession,
    config: PhaulConfig,
    lastImagesDir: string | undefined,
  ): Promise<void> {
    const lends = this.#lending !== undefined;
    this.#finalDump = new FinalDump(session, config, lastImagesDir, lends);
    this.#machine.dispatch("copied");
    await this.#engine.promise;
  }

  async #outcome(): Promise<SourceOutcome> {
    const { state } = this.#machine;
    const report = await this.#client?.catch(() => undefined);
    const { switchoverMs, probed } = this.#arrival;
    const { summary: files } = this.#parts.files;
    if (state === "done") return { state, report, switchoverMs, probed: await probed, files };
    return { state: state === "in-doubt" ? state : "aborted", error: this.#reason, report };
  }

  #fail(event: "failed" | "stalled" | "cancel" | "peer-lost", error: PhaulError): void {
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
        this.#machine.dispatch(this.#lending ? "stopped-lending" : "stopped");
      },
      "journal-lent": async () => {
        await journal.record({ mark: "LENT" });
        await stages.reach({ event: "committed", migration });
        return "lent" as const;
      },
      "drain": () => void this.#drain(),
      "journal-commit": async () => {
        await journal.record({ mark: "COMMIT" });
        return "written" as const;
      },
      "accept-dump": async () => {
        if (!this.#lending) await stages.reach({ event: "committed", migration });
        this.#dump.accept(tree);
      },
      "await-death": () => void this.#awaitDeath(),
      "kill-tree": () => this.#dump.killTree(tree),
      "send-commit": () => void this.#sendCommit(),
      "journal-done": async () => {
        this.#arrival.note(this.#dump.frozenAt);
        await stages.leniently(() => journal.record({ mark: "DONE" }));
        await this.#arrival.tell();
        // Not sooner: until the address has moved, this host answers its packets with RST.
        await stages.leniently(() => this.#dump.unlock());
        await this.#arrival.probe(this.#signal);
      },
      "journal-abort": async (cause) => {
        this.#reason ??= cause.error;
        this.#parts.files.giveUp(this.#reason);
        await stages.leniently(() => journal.record({ mark: "ABORT" }));
      },
      "journal-aborted": () => stages.leniently(() => journal.record({ mark: "ABORTED" })),
      "continue-tree": () => tree.continue(this.#dump.stopped),
      "refuse-dump": () => this.#finalDump?.refuse(this.#reason),
      "end-criu": () => this.#endCriu(),
      "kill-criu": () => this.#finalDump?.kill(),
      "send-abort": (cause) => {
        this.#reason ??= cause.error;
        this.#parts.verdict.abort(this.#reason?.message ?? cause.event);
      },
      "ask-peer": () => {},
      "tidy": () => this.#tidy(),
      "report": (cause) => this.#report(cause),
    };
  }

  /** Starts the client, whose end (unless this role ended it) is an event. */
  #copy(): void {
    const config = clientConfig(this.#parts, this.#cancelled.signal);
    this.#client = new PhaulClient(this, this.#parts.way.remote, config).migrate();
    this.#client.catch((error) => this.#fail("failed", asPhaulError(error)));
  }

  #dumpListener(): DumpListener {
    return {
      freezing: () => {
        this.#parts.stages.timeline.mark("freeze");
        this.#frozenLimit.begin((error) => {
          // From the commit on nothing is gained by giving up.
          if (SOURCE_FROZEN.has(this.#machine.state)) this.#fail("stalled", error);
        });
      },
      dumped: () => this.#machine.dispatch("dumped"),
      ended: (error) => this.#machine.dispatch("criu-ended", error),
    };
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
      this.#lending?.begin(this.#dump.tasks(), this.#parts.workDir);
      if (!remote.images) throw new PhaulError("internal", "Cannot send images without a stream");
      const images = imagesOf(this.#dump.imagesDir, (bytes) => this.#imageBytes += bytes);
      const totals = await sendImages(remote.images, images);
      await this.#parts.files.final();
      this.#awaitsPeer = true;
      const ready = await peer.request({ type: "prepare", ...this.#dump.tree(), ...totals });
      requireSame(migration, ready.migrationId);
      stages.tell({ event: "destination-steps", migration, steps: ready.steps });
      await probeStopped(this.#parts);
      this.#lending?.announce();
      this.#machine.dispatch("ready");
    } catch (error) {
      this.#fail("failed", asPhaulError(error));
    } finally {
      this.#awaitsPeer = false;
    }
  }

  /** The tree runs there: gives it the rest of its memory. */
  async #drain(): Promise<void> {
    this.#arrival.note(this.#dump.frozenAt);
    void this.#arrival.tell().then(() => this.#arrival.probe(this.#signal));
    try {
      await this.#lending?.drain();
      this.#machine.dispatch("drained");
    } catch (cause) {
      this.#reason = undrained(this.#parts, cause);
      this.#machine.dispatch("failed", this.#reason);
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
    if (answer === "acknowledged") return this.#machine.dispatch("acknowledged");
    this.#reason = answer.error;
    this.#machine.dispatch(answer.final ? "failed" : "gave-up", answer.error);
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
    void Promise.resolve(idle).then(ended, ended);
  }

  async #tidy(): Promise<void> {
    await this.#parts.files.end(this.#machine.state === "done");
    const { because: theirs } = await this.#parts.verdict.settle(this.#machine.state === "done");
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
