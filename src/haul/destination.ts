/**
 * The destination's role: executes the destination's table for one migration.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import { CriuSession, openPageChannel, type PageChannel } from "../criu/mod.ts";
import {
  DESTINATION_TABLE,
  type DestinationAction,
  type DestinationEvent,
  type DestinationState,
} from "../migrate/tables.ts";
import {
  type BeginRequest,
  type ByteStream,
  type ImageTotals,
  type PrepareRequest,
  receiveImages,
  type Reply,
  type Request,
  type StartIterationRequest,
  type StopIterationRequest,
} from "../wire/mod.ts";
import type { EventSink } from "./events.ts";
import { HeldTree } from "./held_tree.ts";
import { imageSink } from "./images.ts";
import { type Journal, MemoryJournal } from "./journal.ts";
import { type Cause, type Effects, Machine } from "./machine.ts";
import type { ServeOptions } from "./options.ts";
import { PageRelay } from "./relay.ts";
import { PhaulServer } from "./server.ts";
import { Stages } from "./stages.ts";
import type { TicketOffice } from "./tickets.ts";
import { Watchdog } from "./watchdog.ts";

/** Images that one migration may bring besides its pages. */
const IMAGE_LIMITS = { maxImages: 100_000, maxTotalBytes: 64 * 2 ** 30 };

/** What a destination's role works with. */
export interface DestinationParts {
  readonly begin: BeginRequest;
  readonly options: ServeOptions;
  readonly criuPath: string;
  /** Of this migration alone; removed when it ends. */
  readonly workDir: string;
  readonly tickets: TicketOffice;
  readonly sink: EventSink;
  /** Called once, when the role has nothing left to do by itself. */
  readonly onEnd: () => void;
}

/** One migration on the destination. */
export class DestinationRole {
  readonly migration: string;
  readonly #parts: DestinationParts;
  readonly #machine: Machine<DestinationState, DestinationEvent, DestinationAction>;
  readonly #stages: Stages;
  readonly #journal: Journal = new MemoryJournal();
  readonly #channel: PageChannel;
  readonly #relay: PageRelay;
  readonly #server: PhaulServer;
  readonly #watchdog: Watchdog;
  readonly #answers = new Map<DestinationEvent, PromiseWithResolvers<Reply>>();
  readonly #final = Promise.withResolvers<void>();
  #iteration: StartIterationRequest | undefined;
  #prepare: PrepareRequest | undefined;
  #images: Promise<ImageTotals> | undefined;
  #held: HeldTree | undefined;
  #reason: PhaulError | undefined;
  #steps = 0;
  #busy = false;

  private constructor(parts: DestinationParts, channel: PageChannel) {
    this.migration = parts.begin.migrationId;
    this.#parts = parts;
    this.#channel = channel;
    this.#relay = new PageRelay(channel, "incoming");
    this.#server = new PhaulServer({
      memory: channel.criuEnd,
      workDir: parts.workDir,
      criuPath: parts.criuPath,
    });
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
      progress: () => `${this.#steps} ${this.#relay.totalBytes}`,
      // Between requests the source decides how long it takes; its silence is the link's matter.
      paused: () => !this.#busy,
      stalled: (error) => this.#machine.dispatch("stalled", error),
    });
    this.#relay.failed.catch((error) => this.#machine.dispatch("failed", asPhaulError(error)));
  }

  /** Admits a migration: its page channel is made, and nothing else yet. */
  static async admit(parts: DestinationParts): Promise<DestinationRole> {
    return new DestinationRole(parts, await openPageChannel(parts.workDir));
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
        this.#reason ??= new PhaulError("cancelled", `The source gave up: ${request.reason}`);
        return await this.#ask("abort");
      default:
        return request satisfies never;
    }
  }

  /** The link to the source ended. */
  peerLost(error: PhaulError): void {
    this.#machine.dispatch("peer-lost", error);
  }

  /** This side wants to give up, as far as it still may. */
  cancel(error: PhaulError): void {
    this.#machine.dispatch("cancel", error);
  }

  /** Dispatches a request as an event; the table's actions answer it. */
  #ask(event: "iteration" | "prepare" | "commit" | "abort"): Promise<Reply> {
    const before = this.#answers.get(event);
    const answer = before ?? Promise.withResolvers<Reply>();
    this.#answers.set(event, answer);
    this.#machine.dispatch(event);
    return answer.promise;
  }

  #reply(event: DestinationEvent, reply: Reply): void {
    this.#answers.get(event)?.resolve(reply);
    this.#answers.delete(event);
  }

  #refuse(event: DestinationEvent, error: PhaulError): void {
    this.#answers.get(event)?.reject(error);
    this.#answers.delete(event);
  }

  #effects(): Effects<DestinationEvent, DestinationAction> {
    const { migration } = this;
    const stages = this.#stages;
    return {
      "receive": () => void this.#receive(),
      "restore": () => void this.#restore(),
      "journal-prepared": async () => {
        await stages.pass({ event: "prepared", migration });
        await this.#journal.record("PREPARED");
        this.#machine.dispatch("written");
      },
      "answer-ready": () => {
        this.#reply("prepare", { type: "ready" });
        this.#watchHeld();
      },
      "journal-running": async () => {
        await stages.reach({ event: "committed", migration });
        await this.#leniently(() => this.#journal.record("RUNNING"));
      },
      "continue-tree": () => void this.#continue(),
      "restore-again": () => void this.#restoreAgain(),
      "answer-running": async () => {
        if (this.#answers.has("commit")) this.#reply("commit", { type: "running" });
        await stages.reach({ event: "running", migration, pid: this.#held?.rootPid });
      },
      "journal-discarded": async (cause) => {
        this.#reason ??= cause.error;
        await this.#leniently(() => this.#journal.record("DISCARDED"));
      },
      "discard": () => void this.#discard(),
      "answer-discarded": () => this.#reply("abort", { type: "discarded" }),
      "refuse": (cause) => this.#refuse(requestOf(cause.event), this.#refusal(cause)),
      "tidy": () => this.#leniently(() => Deno.remove(this.#parts.workDir, { recursive: true })),
      "report": () => this.#report(),
    };
  }

  /** Gets ready for an iteration's pages and hands out the tickets for its streams. */
  async #receive(): Promise<void> {
    const request = this.#iteration;
    if (!request) return;
    const { tickets } = this.#parts;
    const { iteration, final } = request;
    try {
      await this.#stages.pass({
        event: "iteration-begin",
        migration: this.migration,
        iteration,
        final,
      });
      await this.#server.startIter();
      this.#server.failed.catch((error) => this.#machine.dispatch("failed", asPhaulError(error)));
      this.#busy = false;
      const pagesTicket = tickets.issue("pages", (stream) => this.#relay.begin(stream));
      if (!final) {
        this.#reply("iteration", { type: "iteration-started", pagesTicket });
        return;
      }
      await this.#warmRestore();
      const imagesTicket = tickets.issue("images", (stream) => this.#receiveImages(stream));
      this.#reply("iteration", { type: "iteration-started", pagesTicket, imagesTicket });
    } catch (error) {
      this.#machine.dispatch("failed", asPhaulError(error));
      this.#refuse("iteration", asPhaulError(error));
    }
  }

  /** A cold criu takes 40 to 75 ms to probe the kernel: better now than while the tree is frozen. */
  async #warmRestore(): Promise<void> {
    const session = CriuSession.start(this.#parts.criuPath, { moveToRootCgroup: true });
    this.#held = new HeldTree(session, this.#parts.begin.holdMode);
    await session.version();
  }

  #receiveImages(stream: ByteStream): void {
    const dir = this.#server.lastImagesDir;
    this.#images = receiveImages(stream, {
      openFile: (name) => imageSink(dir, name),
      limits: IMAGE_LIMITS,
    }).finally(() => stream.close());
    this.#images.catch((error) => this.#machine.dispatch("failed", asPhaulError(error)));
  }

  async #stopIteration(request: StopIterationRequest): Promise<Reply> {
    if (this.state !== "receiving") throw this.#outOfTurn("stop-iteration");
    this.#busy = true;
    try {
      const { pages, bytes, hash } = await this.#relay.end();
      if (hash !== request.pageHash || bytes !== request.pageBytes) {
        throw new PhaulError(
          "page-stream",
          `Cannot use iteration ${request.iteration}: ${bytes} bytes with another hash arrived of ` +
            `the ${request.pageBytes} bytes that were sent`,
        );
      }
      await this.#server.stopIter();
      this.#stages.tell({
        event: "progress",
        migration: this.migration,
        iteration: request.iteration,
        pagesWritten: pages,
        bytes,
      });
      return { type: "iteration-stopped" };
    } catch (error) {
      this.#machine.dispatch("failed", asPhaulError(error));
      throw error;
    } finally {
      this.#busy = false;
    }
  }

  async #restore(): Promise<void> {
    try {
      const totals = await this.#images;
      const wanted = this.#prepare;
      if (!this.#held || !totals || !wanted || totals.imageCount !== wanted.imageCount) {
        throw new PhaulError("protocol", "Cannot restore: the images did not come in full");
      }
      await this.#held.restore(this.#restoreOptions());
      this.#stages.pid = this.#held.rootPid;
      this.#machine.dispatch("restored");
    } catch (error) {
      this.#machine.dispatch("failed", asPhaulError(error));
    }
  }

  /** From now on until the verdict somebody might kill the held tree. */
  #watchHeld(): void {
    const lost = () => this.#machine.dispatch("tree-lost");
    // Rejects when the tree is let go of.
    this.#held?.died().then(lost, () => {});
  }

  async #continue(): Promise<void> {
    try {
      await this.#held?.continue(this.#stoppedBefore());
      this.#machine.dispatch("continued");
    } catch (error) {
      this.#machine.dispatch("failed", asPhaulError(error));
    }
  }

  /** The held tree died: what was received is still there to restore it from. */
  async #restoreAgain(): Promise<void> {
    try {
      this.#held?.close();
      await this.#warmRestore();
      await this.#held?.restore(this.#restoreOptions());
      await this.#held?.continue(this.#stoppedBefore());
      this.#machine.dispatch("restored");
    } catch (error) {
      this.#machine.dispatch("failed", asPhaulError(error));
    }
  }

  async #discard(): Promise<void> {
    const reason = this.#reason ?? new PhaulError("cancelled", "The migration was given up");
    this.#parts.tickets.revoke();
    this.#relay.abort(reason);
    await this.#leniently(() => this.#server.abort());
    await this.#leniently(async () => await this.#held?.discard());
    for (const event of ["iteration", "prepare", "commit"] as const) this.#refuse(event, reason);
    this.#machine.dispatch("cleared");
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
    this.#relay[Symbol.dispose]();
    this.#channel.close();
    this.#final.resolve();
    this.#parts.onEnd();
  }

  #restoreOptions() {
    const { restore } = this.#parts.begin;
    const imagesDir = this.#server.lastImagesDir;
    return { imagesDir, workDir: imagesDir, logFile: "restore.log", ...restore };
  }

  #stoppedBefore(): ReadonlySet<number> {
    const stopped = this.#prepare?.processes.filter((p) => p.stopped).map((p) => p.pid);
    return new Set(stopped);
  }

  #refusal(cause: Cause<DestinationEvent>): PhaulError {
    return this.#reason ?? cause.error ?? this.#outOfTurn(cause.event);
  }

  #outOfTurn(what: string): PhaulError {
    return new PhaulError(
      "protocol",
      `Cannot answer "${what}": migration ${this.migration} is in state "${this.state}"`,
    );
  }

  async #leniently(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#stages.warn(asPhaulError(error).message);
    }
  }
}

/** The request that waits for an answer when `event` is refused. */
function requestOf(event: DestinationEvent): DestinationEvent {
  return event === "failed" ? "commit" : event;
}
