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
  destinationRecovery,
  type DestinationState,
} from "../migrate/tables.ts";
import { bootId } from "../proc/mod.ts";
import {
  type BeginRequest,
  type MigrationRequest,
  type PrepareRequest,
  type Reply,
  type StartIterationRequest,
  type StopIterationRequest,
} from "../wire/mod.ts";
import { Answers, askedBy, type AskedEvent, givenUp, outOfTurn } from "./answers.ts";
import { Custody } from "./custody.ts";
import { endOf, refusalOf } from "./decisions.ts";
import { type Admission, type DestinationParts, type Terms, tidyUp } from "./destination_parts.ts";
import { withKeptLog } from "./evidence.ts";
import { Intake } from "./intake.ts";
import { LateIntake } from "./late_intake.ts";
import type { StampedRecord } from "../journal/mod.ts";
import { type Cause, type Effects, type Machine, tellingMachine } from "./machine.ts";
import { MemoryDrain } from "./memory_drain.ts";
import { Probes } from "./probe.ts";
import { Reception } from "./reception.ts";
import { Stages } from "./stages.ts";
import { Watchdog } from "./watchdog.ts";

/** One migration on the destination. */
export class DestinationRole {
  readonly migration: string;
  /** The root's command name. */
  readonly comm: string;
  /** Another phaul began it. */
  readonly reopened: boolean;
  /** What its source was told. */
  readonly terms: Terms;
  readonly #parts: DestinationParts;
  readonly #machine: Machine<DestinationState, DestinationEvent, DestinationAction>;
  readonly #stages: Stages;
  /** Undefined for a role that was reopened: all that will come has come. */
  readonly #intake: Intake | undefined;
  readonly #reception: Reception | undefined;
  /** What is still done for a tree that runs. */
  readonly drain: MemoryDrain;
  readonly #custody: Custody;
  /** Between requests the source takes its time; its silence is the link's matter. */
  readonly #watchdog: Watchdog;
  readonly #answers = new Answers();
  readonly #probes = new Probes();
  readonly #final = Promise.withResolvers<void>();
  /** The newest of each. */
  #iteration!: StartIterationRequest;
  #prepared!: PrepareRequest;
  #reason: PhaulError | undefined;
  #because: PhaulError | undefined;

  private constructor(
    parts: DestinationParts,
    terms: Terms,
    intake?: Intake,
    late?: LateIntake,
  ) {
    this.terms = terms;
    this.migration = parts.migration;
    this.comm = parts.admitted.comm;
    this.reopened = intake === undefined;
    this.#parts = parts;
    this.#intake = intake;
    this.#stages = new Stages({
      sink: parts.sink,
      hook: parts.options.hook,
      side: "destination",
      migration: this.migration,
    });
    this.#custody = new Custody(parts, (message) => this.#stages.warn(message));
    this.#machine = tellingMachine(this.#stages, {
      side: "destination",
      table: DESTINATION_TABLE,
      initial: intake ? "admitted" : "reopened",
      effects: this.#effects(),
      onStep: () => this.#probes.end(),
    });
    this.drain = new MemoryDrain(parts, this.#custody, this.#stages, late);
    this.#watchdog = new Watchdog(parts.options.timeouts.stallMs, {
      progress: () => `${this.#machine.steps} ${intake?.totalBytes ?? 0}`,
      stalled: (error) => this.#machine.dispatch("stalled", error),
    });
    const [custody, stages, watchdog] = [this.#custody, this.#stages, this.#watchdog];
    const { migration, files } = parts;
    const own = { migration, custody, files, stages, watchdog, lazy: terms.lazy };
    this.#reception = intake && new Reception({ ...own, intake });
  }

  /** Admits a migration. */
  static async admit(parts: DestinationParts, from: Admission): Promise<DestinationRole> {
    const onFailure = (error: PhaulError) => role.#machine.dispatch("failed", error);
    const late = from.terms.late ? new LateIntake() : undefined;
    const intake = await Intake.open({ ...parts, ...from, late, onFailure });
    const role = new DestinationRole(parts, from.terms, intake, late);
    return role;
  }

  /** Goes on where a phaul that died had got to, as its journal tells and as what is left allows. */
  static async reopen(
    parts: DestinationParts,
    records: readonly StampedRecord[],
  ): Promise<DestinationRole> {
    const role = new DestinationRole(parts, { lazy: false });
    const whole = await role.#custody.adopt(records, bootId());
    role.drain.adopt(role.#custody.imagesDir);
    role.#stages.pid = role.#custody.rootPid;
    const event = destinationRecovery(records.map(({ record }) => record.mark), whole);
    role.#stages.reopened(role.comm, event);
    role.#machine.dispatch(event);
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

  /** Root of the tree on this host, once there is one. */
  get pid(): number | undefined {
    return this.#custody.rootPid ?? this.#stages.pid;
  }

  /** Answers a request of the source. */
  async answer(request: Exclude<MigrationRequest, BeginRequest>): Promise<Reply> {
    switch (request.type) {
      case "start-iteration":
        this.#iteration = request;
        return await this.#ask("iteration");
      case "stop-iteration":
        return await this.#stopIteration(request);
      case "prepare":
        this.#prepared = request;
        return await this.#ask("prepare");
      case "commit":
        return await this.#ask(request.forced ? "force-destination" : "commit");
      case "abort":
        return await this.#ask(request.forced ? "force-source" : "abort", givenUp(request.reason));
      case "probe":
        return await this.#probes.run(request, this, this.#stages);
      case "fetch-late":
        return this.drain.fetchLate();
      case "forget":
        return await this.#forget();
      case "offer-files":
      case "sync-files":
        return await this.#parts.files.answer(request, this.state);
      default:
        return request satisfies never;
    }
  }

  /** The link to the source ended, or this side wants to give up, as far as it still may. */
  interrupt(event: "peer-lost" | "cancel", error: PhaulError): void {
    this.#machine.dispatch(event, error);
  }

  /** Dispatches a request as an event; the table's actions answer it. */
  #ask(event: AskedEvent, error?: PhaulError): Promise<Reply> {
    const answer = this.#answers.wait(askedBy(event));
    this.#machine.dispatch(event, error);
    return answer;
  }

  #effects(): Effects<DestinationEvent, DestinationAction> {
    const stages = this.#stages;
    const { journal, migration } = this.#parts;
    return {
      "receive": () => void this.#receive().catch(this.#fail),
      "restore": () => this.#start("restored", () => this.#received.restore(this.#prepared)),
      "journal-prepared": async () => {
        await stages.pass({ event: "prepared", migration });
        await this.#custody.journalPrepared(this.#parts.admitted.durable);
        return "written" as const;
      },
      "answer-ready": () => this.#answers.ready(migration, stages.timeline),
      "watch-tree": () => this.#custody.watch(() => this.#machine.dispatch("tree-lost")),
      "journal-running": async () => {
        await stages.reach({ event: "committed", migration });
        await journal.record({ mark: "RUNNING" });
        return "written" as const;
      },
      "continue-tree": () => {
        const run = () => this.#custody.continue((step) => stages.leniently(step));
        if (this.#custody.alive) this.#start("continued", run);
        else return this.#custody.mayHaveRun ? "was-uncertain" : "tree-lost";
      },
      "restore-again": () =>
        this.#start("restored", async () => {
          await this.drain.whole();
          await this.#custody.restoreAgain();
        }),
      "journal-continued": () => stages.leniently(() => journal.record({ mark: "CONTINUED" })),
      "answer-running": async () => {
        this.#answers.running(stages.timeline);
        await stages.reach({ event: "running", migration, pid: this.pid });
      },
      "journal-discarded": async (cause) => {
        this.#reason ??= cause.error && withKeptLog(cause.error, this.#parts.options.stateDir);
        // The source knows its own reasons; for this side's it may have seen a closed stream only.
        if (askedBy(cause.event) !== "abort") this.#because = this.#reason;
        await stages.leniently(() => journal.record({ mark: "DISCARDED" }));
      },
      "discard": () => this.#start("cleared", () => this.#discard()),
      "answer-discarded": () => this.#answers.discarded(this.#because),
      "refuse": (cause) =>
        this.#answers.refuse(askedBy(cause.event), refusalOf(this, cause, this.#reason)),
      "tidy": () => tidyUp(this.#parts, this.state, stages),
      "report": (cause) => this.#report(cause),
    };
  }

  async #receive(): Promise<void> {
    this.#answers.give("iteration", await this.#received.start(this.#iteration));
  }

  get #received(): Reception {
    if (this.#reception) return this.#reception;
    throw outOfTurn("an iteration", this);
  }

  async #stopIteration(request: StopIterationRequest): Promise<Reply> {
    if (this.state !== "receiving") throw outOfTurn("stop-iteration", this);
    try {
      return await this.#received.stop(request);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  async #discard(): Promise<void> {
    const reason = this.#reason ?? givenUp("the destination was told to");
    await this.#stages.leniently(async () => await this.#intake?.abort(reason));
    await this.#stages.leniently(() => this.#custody.discard());
    await this.#stages.leniently(() => this.#parts.files.undo());
    this.#answers.refuseAllBut("abort", reason);
  }

  /** The source has the answer that it needs, and will not ask again. */
  async #forget(): Promise<Reply> {
    if (this.state !== "running" && this.state !== "discarded") throw outOfTurn("forget", this);
    await this.#parts.journal.remove();
    this.drain.forget();
    return { type: "forgotten" };
  }

  readonly #fail = (error: unknown): void => this.#machine.dispatch("failed", asPhaulError(error));

  /** Does work whose end is `event`. */
  #start(event: DestinationEvent, work: () => Promise<void>): void {
    const ended = () => this.#machine.dispatch(event);
    work().then(() => this.#stages.did(event, this.#custody.rootPid)).then(ended, this.#fail);
  }

  async #report({ event, error }: Cause<DestinationEvent>): Promise<void> {
    const { state } = this;
    // That it runs was told when it was continued.
    if (state === "running") {
      return void this.drain.run(event !== "was-continued").then(() => this.#close());
    }
    await this.#stages.end(state, error ?? this.#reason ?? endOf(state, this.migration));
    // What is uncertain or stranded may be restored again.
    if (state === "discarded") this.#close();
  }

  #close(): void {
    this.#watchdog[Symbol.dispose]();
    this.#custody[Symbol.dispose]();
    this.#intake?.[Symbol.dispose]();
    this.drain[Symbol.dispose]();
    this.#final.resolve();
    this.#parts.onEnd();
  }
}
