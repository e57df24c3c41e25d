/** A criu that a test plays: what it answers, what it was asked, and its death. */

import { type Fd, openFile } from "../../../src/sys/mod.ts";
import type { CriuTransport } from "../../../src/criu/mod.ts";
import {
  REQUEST,
  type RequestMessage,
  RESPONSE,
  type ResponseMessage,
} from "../../../src/criu/messages.ts";

type Answer = ResponseMessage | "death" | Uint8Array;

export class FakeCriu implements CriuTransport {
  readonly pid = 4242;
  readonly asked: RequestMessage[] = [];
  readonly killed: (string | undefined)[] = [];
  readonly #answers: Answer[];
  readonly #exit = Promise.withResolvers<void>();
  readonly #fds: Fd[] = [];

  /** @param answers In the order in which they are received. */
  constructor(...answers: Answer[]) {
    this.#answers = answers;
  }

  /** The descriptors that came with notifies. */
  get fds(): readonly Fd[] {
    return this.#fds;
  }

  get exited(): Promise<void> {
    return this.#exit.promise;
  }

  die(): void {
    this.#exit.resolve();
  }

  send(bytes: Uint8Array): Promise<void> {
    this.asked.push(REQUEST.decode(bytes));
    return Promise.resolve();
  }

  receive() {
    const answer = this.#answers.shift();
    if (answer === undefined || answer === "death") return Promise.resolve(null);
    if (answer instanceof Uint8Array) {
      return Promise.resolve({ data: new Uint8Array(answer), fds: [] });
    }
    const fds: Fd[] = [];
    if (answer.notify?.script === "orphan-pts-master") fds.push(openFile("/dev/null", "read"));
    this.#fds.push(...fds);
    return Promise.resolve({ data: RESPONSE.encode(answer), fds });
  }

  kill(children?: "with-children"): void {
    this.killed.push(children);
    this.die();
  }

  obituary(): string {
    return "criu was killed by SIGKILL";
  }

  close(): void {
    this.die();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A notify as criu sends it. */
export function notify(script: string, pid?: number): ResponseMessage {
  return {
    type: "NOTIFY",
    success: true,
    notify: pid === undefined ? { script } : { script, pid },
  };
}
