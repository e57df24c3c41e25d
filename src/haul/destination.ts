/**
 * The destination's role: executes the destination's table for one migration.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import {
  DESTINATION_TABLE,
  type DestinationAction,
  type DestinationEvent,
  type DestinationState,
} from "../migrate/tables.ts";
import {
  type BeginRequest,
  errorTexts,
  type PrepareRequest,
  type Reply,
  type Request,
  type StartIterationRequest,
  type StopIterationRequest,
} from "../wire/mod.ts";
import { Answers, type Asked, askedBy } from "./answers.ts";
import type { EventSink } from "./events.ts";
import { HeldTree } from "./held_tree.ts";
import { Intake } from "./intake.ts";
import type { Journal } from "./journal.ts";
import { type Cause, type Effects, Machine } from "./machine.ts";
import type { ServeOptions } from "./options.ts";
import { Stages } from "./stages.ts";
import type { TicketOffice } from "./tickets.ts";
import { Watchdog } from "./watchdog.ts";
import type { WorkDir } from "./work_dir.ts";

/** What a destination's role works with. */
export interface DestinationParts {
  readonly begin: BeginRequest;
  readonly options: ServeOptions;
  readonly criuPath: string;
  /** Of this migration alone; the role disposes of it. */
  readonly workDir: WorkDir;
  readonly tickets: TicketOffice;
  readonly sink: EventSink;
  readonly journal: Journal;
  /** Called once, when the role has nothing left to do by itself. */
  readonly onEnd: () => void;
}

/** One migration on the destination. */
export class DestinationRole {
  readonly migration: string;
  readonly #parts: DestinationParts;
  readonly #machine: Machine<DestinationState, DestinationEvent, DestinationAction>;
  readonly #stages: Stages;
  readonly #intake: Intake;
  readonly #watchdog: Watchdog;
  readonly #answers = new Answers();
  readonly #final = Promise.withResolvers<void>();
  #iteration: StartIterationRequest | undefined;
  #prepare: PrepareRequest | undefined;
  #held: HeldTree | undefined;
  #reason: PhaulError | undefined;
  #because: PhaulError | undefined;
  #steps = 0;
  #busy = false;

  private constructor(parts: DestinationParts, intake: Intake) {
    this.migration = parts.begin.migrationId;
    this.#parts = parts;
    this.#intake = intake;
    this.#stages = new Stages({
      sink: parts.sink,
      hook: parts.options.hook,
      side: "destination",
      migration: this.migration,
    });
    this.#machine = new Machine({
      side: "destination",
      table: DESTINATION_TABLE,
      initial: "admitted",
      effects: this.#effects(),
      failure: "failed",
      onTransition: (from, on, to) => {
        this.#steps++;
        this.#stages.transition(from, on, to);
      },
      onDefect: (error) => this.#stages.warn(error.message),
    });
    this.#watchdog = new Watchdog(parts.options.timeouts.stallMs, {
      progress: () => `${this.#steps} ${intake.totalBytes}`,
      // Between requests the source decides how long it takes; its silence is the link's matter.
      paused: () => !this.#busy,
      stalled: (error) => this.#machine.dispatch("stalled", error),
    });
  }

  /** Admits a migration: its page channel is made, and nothing else yet. */
  static async admit(parts: DestinationParts): Promise<DestinationRole> {
    const { criuPath, tickets } = parts;
    const workDir = parts.workDir.path;
    const onFailure = (error: PhaulError) => role.#machine.dispatch("failed", error);
    const intake = await Intake.open({ workDir, criuPath, tickets, onFailure });
    const role = new DestinationRole(parts, intake);
    return role;
  }

  /** Where the role stands. */
  get state(): DestinationState {
    return this.#machine.state;
  }

  /** Resolves when the role has nothing left to do by itself. */
  get ended(): Promise<void> {
    return this.#final.promise;
  }

  /** Answers a request of the source. */
  async answer(request: Exclude<Request, BeginRequest>): Promise<Reply> {
    switch (request.type) {
      case "start-iteration":
        this.#iteration = request;
        return await this.#ask("iteration");
      case "stop-iteration":
        return await this.#stopIteration(request);
      case "prepare":
        this.#prepare = request;
        return await this.#ask("prepare");
      case "commit":
        return await this.#ask("commit");
      case "abort":
        return await this.#ask(
          "abort",
          new PhaulError("cancelled", `The source gave up: ${request.reason}`),
        );
      default:
        return request satisfies never;
    }
  }

  /** The link to the source ended, or this side wants to give up, as far as it still may. */
  interrupt(event: "peer-lost" | "cancel", error: PhaulError): void {
    this.#machine.dispatch(event, error);
  }

  /** Dispatches a request as an event; the table's actions answer it. */
  #ask(event: Asked, error?: PhaulError): Promise<Reply> {
    const answer = this.#answers.wait(event);
    this.#machine.dispatch(event, error);
    return answer;
  }

  #effects(): Effects<DestinationEvent, DestinationAction> {
    const { migration } = this;
    const stages = this.#stages;
    return {
      "receive": () => void this.#receive().catch(this.#fail),
      "restore": () => this.#start(() => this.#restore()),
      "journal-prepared": async () => {
        await stages.pass({ event: "prepared", migration });
        await this.#parts.journal.record("PREPARED");
        this.#machine.dispatch("written");
      },
      "answer-ready": () => {
        this.#answers.give("prepare", { type: "ready" });
        this.#watchHeld();
      },
      "journal-running": async () => {
        await stages.reach({ event: "committed", migration });
        await this.#stages.leniently(() => this.#parts.journal.record("RUNNING"));
      },
      "continue-tree": () => this.#start(() => this.#continue()),
      "restore-again": () => this.#start(() => this.#restoreAgain()),
      "answer-running": async () => {
        this.#answers.give("commit", { type: "running" });
        await stages.reach({ event: "running", migration, pid: this.#held?.rootPid });
      },
      "journal-discarded": async (cause) => {
        this.#reason ??= cause.error;
        // The source knows its own reasons; for this side's it may have seen a closed stream only.
        if (cause.event !== "abort") this.#because = this.#reason;
        await this.#stages.leniently(() => this.#parts.journal.record("DISCARDED"));
      },
      "discard": () => this.#start(() => this.#discard()),
      "answer-discarded": () => {
        const because = this.#because && errorTexts(this.#because);
        this.#answers.give("abort", { type: "discarded", because });
      },
      "refuse": (cause) => this.#answers.refuse(askedBy(cause.event), this.#refusal(cause)),
      "tidy": () => this.#tidy(),
      "report": () => this.#report(),
    };
  }

  /** Gets ready for an iteration's pages and hands out the tickets for its streams. */
  async #receive(): Promise<void> {
    const request = this.#iteration;
    if (!request) return;
    const { iteration, final } = request;
    const { migration } = this;
    await this.#stages.pass({ event: "iteration-begin", migration, iteration, final });
    if (final) this.#held = await HeldTree.prepare(this.#parts.criuPath, this.#parts.begin);
    this.#answers.give("iteration", await this.#intake.start(request));
  }

  async #stopIteration(request: StopIterationRequest): Promise<Reply> {
    if (this.state !== "receiving") throw this.#outOfTurn("stop-iteration");
    this.#busy = true;
    try {
      const { pages: pagesWritten, bytes } = await this.#intake.stop(request);
      const { migration } = this;
      const { iteration } = request;
      this.#stages.tell({ event: "progress", migration, iteration, pagesWritten, bytes });
      return { type: "iteration-stopped" };
    } catch (error) {
      this.#fail(error);
      throw error;
    } finally {
      this.#busy = false;
    }
  }

  async #restore(): Promise<DestinationEvent> {
    if (!this.#held || !this.#prepare) {
      throw new PhaulError("protocol", "Cannot restore: no final iteration has begun");
    }
    await this.#intake.complete(this.#prepare);
    await this.#held.restore(this.#intake.imagesDir);
    this.#stages.pid = this.#held.rootPid;
    return "restored";
  }

  /** From now on until the verdict somebody might kill the held tree. */
  #watchHeld(): void {
    const lost = () => this.#machine.dispatch("tree-lost");
    // Rejects when the tree is let go of.
    this.#held?.died().then(lost, () => {});
  }

  async #continue(): Promise<DestinationEvent> {
    await this.#held?.continue(this.#prepare?.processes ?? []);
    return "continued";
  }

  /** The held tree died: what was received is still there to restore it from. */
  async #restoreAgain(): Promise<DestinationEvent> {
    this.#held?.close();
    this.#held = await HeldTree.prepare(this.#parts.criuPath, this.#parts.begin);
    await this.#held.restore(this.#intake.imagesDir);
    await this.#continue();
    return "restored";
  }

  async #discard(): Promise<DestinationEvent> {
    const reason = this.#reason ?? new PhaulError("cancelled", "The migration was given up");
    await this.#stages.leniently(() => this.#intake.abort(reason));
    await this.#stages.leniently(async () => await this.#held?.discard());
    this.#answers.refuseAllBut("abort", reason);
    return "cleared";
  }

  readonly #fail = (error: unknown): void => this.#machine.dispatch("failed", asPhaulError(error));

  /** Starts work whose end is an event. */
  #start(work: () => Promise<DestinationEvent>): void {
    work().then((event) => this.#machine.dispatch(event), this.#fail);
  }

  async #tidy(): Promise<void> {
    const { workDir, options } = this.#parts;
    if (this.state === "discarded") await workDir.keepLogs(`${options.stateDir}/logs`);
    await workDir[Symbol.asyncDispose]();
  }

  async #report(): Promise<void> {
    const { migration } = this;
    if (this.state === "running") await this.#stages.reach({ event: "drained", migration });
    else {
      const { code, message } = this.#reason ?? new PhaulError("cancelled", "Given up");
      const whereabouts = this.state === "stranded" ? "in-doubt" : "source";
      await this.#stages.reach({ event: "aborted", migration, code, message, whereabouts });
    }
    this.#watchdog[Symbol.dispose]();
    this.#held?.close();
    this.#intake[Symbol.dispose]();
    this.#final.resolve();
    this.#parts.onEnd();
  }

  #refusal(cause: Cause<DestinationEvent>): PhaulError {
    if (cause.event === "abort") return this.#outOfTurn(cause.event);
    return this.#reason ?? cause.error ?? this.#outOfTurn(cause.event);
  }

  #outOfTurn(what: string): PhaulError {
    return new PhaulError(
      "protocol",
      `Cannot answer "${what}": migration ${this.migration} is in state "${this.state}"`,
    );
  }
}
