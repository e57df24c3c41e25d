/** One connection that goes through the proxy: message by message, both ways. */

import { decodeMessage } from "../../src/wire/codec.ts";
import { frame, readFrame } from "../../src/wire/frames.ts";
import type { ByteStream } from "../../src/wire/mod.ts";
import { preambleBytes } from "../../src/wire/preamble.ts";
import { readExactly } from "../../src/wire/stream.ts";
import { type Act, corrupted, type Direction, type Plan } from "./plan.ts";

/** Longer than a frame of any kind. */
const MAX_BYTES = 2 * 1024 * 1024;
const DELAY_MS = 700;
/** How long a message waits for another to go before it. */
const REORDER_MS = 700;

/** Says what is to be done to a message, if anything. */
export type Choose = (direction: Direction, message: string) => Plan | undefined;

/** A connection of a source, and the one to the destination for it. Both are closed at the end. */
export class Relay {
  readonly #source: ByteStream;
  readonly #destination: ByteStream;
  readonly #choose: Choose;
  /** What frames are, once the opening is over; the hello tells. */
  #kind = "control";
  #accepted = false;

  constructor(source: ByteStream, destination: ByteStream, choose: Choose) {
    this.#source = source;
    this.#destination = destination;
    this.#choose = choose;
  }

  /** Carries messages until either side ends; then both are closed, as one cable would be. */
  async run(): Promise<void> {
    const ways = [
      new Way(this.#source, this.#destination),
      new Way(this.#destination, this.#source),
    ] as const;
    await Promise.race([
      this.#carry("to-destination", ways[0]),
      this.#carry("to-source", ways[1]),
    ]).catch(() => {});
    this.#source.close();
    this.#destination.close();
  }

  /** Ends only with the connection: the end of one direction of a data stream is a message too. */
  async #carry(direction: Direction, way: Way): Promise<void> {
    await way.preamble();
    for (let payload = await way.next(); payload !== null; payload = await way.next()) {
      const message = this.#nameOf(direction, payload);
      const plan = this.#choose(direction, message);
      await way.pass(payload, plan?.act, plan?.place ?? 0);
    }
  }

  #nameOf(direction: Direction, payload: Uint8Array): string {
    if (this.#accepted && this.#kind !== "control") {
      return `${this.#kind} ${direction === "to-destination" ? "chunk" : "answer"}`;
    }
    try {
      const { body, fields } = decodeMessage(this.#accepted ? "Envelope" : "Opening", payload);
      if (body === "hello") this.#kind = String(fields.kind).toLowerCase();
      if (body === "accepted") this.#accepted = true;
      return body;
    } catch {
      return "unknown";
    }
  }
}

/** One direction. */
class Way {
  readonly #from: ByteStream;
  readonly #to: ByteStream;
  /** A message that lets the next one go first. */
  #waiting: Uint8Array | undefined;

  constructor(from: ByteStream, to: ByteStream) {
    this.#from = from;
    this.#to = to;
  }

  async preamble(): Promise<void> {
    const bytes = new Uint8Array(preambleBytes);
    await readExactly(this.#from, bytes);
    await this.#to.write(bytes);
  }

  async next(): Promise<Uint8Array | null> {
    return await readFrame(this.#from, MAX_BYTES);
  }

  /** Sends a message on, or does to it what the plan says. */
  async pass(payload: Uint8Array, act: Act | undefined, place: number): Promise<void> {
    switch (act) {
      case undefined:
        await this.#send(payload);
        return await this.#sendWaiting();
      case "lose":
        return;
      case "delay":
        await new Promise((resolve) => setTimeout(resolve, DELAY_MS));
        return await this.#send(payload);
      case "double":
        await this.#send(payload);
        return await this.#send(payload);
      case "reorder":
        this.#waiting = payload;
        setTimeout(() => this.#sendWaiting().catch(() => {}), REORDER_MS);
        return;
      case "corrupt":
        return await this.#send(corrupted(payload, place));
      case "cut-before":
        throw new Error("cut");
      case "cut-after":
        await this.#send(payload);
        throw new Error("cut");
      default:
        return act satisfies never;
    }
  }

  async #send(payload: Uint8Array): Promise<void> {
    await this.#to.write(frame(payload, MAX_BYTES));
  }

  async #sendWaiting(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) await this.#send(waiting);
  }
}
