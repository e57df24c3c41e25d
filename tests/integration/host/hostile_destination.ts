/**
 * A destination that means no good; it runs on one of the hosts, without TLS.
 *
 *   hostile_destination.ts KIND   serves as KIND says on phaul's port
 */

import { encodeEnvelope } from "../../../src/wire/envelope.ts";
import { maxControlFrameBytes, writeFrame } from "../../../src/wire/frames.ts";
import { acceptConnection, type ByteStream, listen } from "../../../src/wire/mod.ts";
import { PhaulError } from "../../../src/errors.ts";
import type { Reply, Request } from "../../../src/wire/mod.ts";

const OPENING = { deadlineMs: 30_000, peerTimeoutMs: 30_000 };
const ticket = (byte: number) => new Uint8Array(32).fill(byte);
const SILENCE = new Promise<never>(() => {});

/** What the destination does with each connection, where it is not the usual. */
interface Manner {
  /** Which tickets it takes; all, unless told otherwise. */
  readonly redeem?: boolean;
  answer?(request: Request, stream: ByteStream): Promise<Reply>;
  pages?(stream: ByteStream): Promise<void>;
}

function usual(request: Request): Promise<Reply> {
  switch (request.type) {
    case "begin":
      return Promise.resolve({ type: "begun", migrationId: request.migrationId, lazy: false });
    case "start-iteration":
      return Promise.resolve({
        type: "iteration-started",
        pagesTicket: ticket(1),
        imagesTicket: ticket(2),
      });
    case "abort":
      return Promise.resolve({ type: "discarded" });
    case "check":
      return Promise.resolve({ type: "checked", host: request.host, findings: [] });
    default:
      return SILENCE;
  }
}

/** Answers `type` in another way than usual. */
function answering(type: Request["type"], other: (stream: ByteStream) => Promise<Reply>): Manner {
  return { answer: (request, stream) => request.type === type ? other(stream) : usual(request) };
}

/** Tells of a blocker, in words that steer a terminal. */
function findingOf(code: string): Manner {
  const found = { code, severity: "blocker", message: "\x1b[31mno\nway", remedy: "\x07" } as const;
  return {
    answer: (request) =>
      request.type === "check"
        ? Promise.resolve({ type: "checked", host: request.host, findings: [found] })
        : usual(request),
  };
}

const MANNERS: Readonly<Record<string, Manner>> = {
  "another-reply": answering("begin", () => Promise.resolve({ type: "running", steps: [] })),
  "silent-at-check": answering("check", () => SILENCE),
  "unknown-finding": findingOf("no-such-code"),
  "finds-pids-taken": findingOf("pid-taken"),
  "silent-at-begin": answering("begin", () => SILENCE),
  "steering-words": answering("begin", () =>
    Promise.reject(
      new PhaulError("in-doubt", `\x1b[2J\x1b[31m${"x".repeat(5000)}`, {
        remedy: "\x07\nrm -rf /",
      }),
    )),
  "hangs-up-at-begin": answering("begin", (stream) => {
    stream.close();
    return SILENCE;
  }),
  "garbage-at-begin": answering("begin", async (stream) => {
    await stream.write(new Uint8Array(5000).fill(0x7f));
    return await SILENCE;
  }),
  "flood-at-begin": answering("begin", async (stream) => {
    const ping = encodeEnvelope({ type: "ping" });
    for (;;) await writeFrame(stream, ping, maxControlFrameBytes);
  }),
  "silent-at-start": answering("start-iteration", () => SILENCE),
  "no-images-ticket": answering(
    "start-iteration",
    () => Promise.resolve({ type: "iteration-started", pagesTicket: ticket(1) }),
  ),
  "worthless-tickets": { redeem: false },
  "reads-no-pages": { pages: () => SILENCE },
  "cuts-pages": {
    async pages(stream) {
      await stream.read(new Uint8Array(1000));
      stream.close();
    },
  },
  "answers-pages-with-garbage": {
    async pages(stream) {
      await stream.read(new Uint8Array(1000));
      await stream.write(new Uint8Array(100_000).fill(0x7f));
      await SILENCE;
    },
  },
  "ends-pages-at-once": { pages: (stream) => stream.closeWrite() },
};

const manner = MANNERS[Deno.args[0] ?? ""];
if (!manner) throw new Error(`There is no ${Deno.args[0]}`);
const listener = await listen({ host: "0.0.0.0", port: 7284 }, { kind: "insecure" });
console.log("listening");
for (let stream; (stream = await listener.accept());) void serve(stream, manner).catch(() => {});

async function serve(stream: ByteStream, { redeem = true, answer, pages }: Manner): Promise<void> {
  const options = { ...OPENING, redeemTicket: () => redeem };
  const accepted = await acceptConnection(stream, { kind: "insecure" }, options);
  if (accepted.kind === "control") {
    accepted.link.serve((request) => answer ? answer(request, stream) : usual(request));
  } else if (accepted.kind === "pages") await pages?.(accepted.stream);
}
