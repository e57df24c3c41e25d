/**
 * A source that holds the token and means no good; it runs on one of the hosts.
 *
 *   hostile_source.ts try ADDRESS TOKEN OTHER   tries everything once; OTHER is another's migration
 *   hostile_source.ts flood ADDRESS             opens connections that prove nothing, for ever
 *
 * Each trial prints a line of JSON: its name and what came of it.
 */

import { asPhaulError } from "../../../src/errors.ts";
import { encodeEnvelope } from "../../../src/wire/envelope.ts";
import { maxControlFrameBytes, writeFrame } from "../../../src/wire/frames.ts";
import { encodeImageFrame, maxImageFrameBytes } from "../../../src/wire/image_frames.ts";
import {
  type BeginRequest,
  type ByteStream,
  type ControlLink,
  type DataKind,
  dial,
  openControl,
  openData,
  readToken,
  type Request,
  type Security,
} from "../../../src/wire/mod.ts";

const PORT = 7284;
const OPENING = { deadlineMs: 30_000, peerTimeoutMs: 30_000 };
const REQUEST = { timeoutMs: 60_000 };
const STOP = {
  type: "stop-iteration",
  iteration: 1,
  pageBytes: 0,
  pageHash: "0".repeat(32),
} as const;
const PREPARE = {
  type: "prepare",
  ...{ processes: [], connections: [], imageCount: 0, imageBytes: 0 },
} as const;
/** One that the destination understands. */

const [what = "", host = "", tokenFile = "", other = ""] = Deno.args;
/** One migration of this source; `stream` is what its link speaks over. */
interface Mine {
  readonly id: string;
  readonly link: ControlLink;
  readonly stream: ByteStream;
  /** Opens a data connection. */
  open(kind: DataKind, ticket: Uint8Array): Promise<ByteStream>;
  /** Begins the final iteration. */
  start(): Promise<{ readonly pages: Uint8Array; readonly images: Uint8Array }>;
  /** Why the destination gave it up, once it did: asked for `next`, it has to have noticed. */
  because(next: Request): Promise<string>;
}

type Trial = (mine: Mine) => Promise<unknown>;

function beginOf(migrationId: string): BeginRequest {
  return {
    type: "begin",
    migrationId,
    rootPid: 3_000_001,
    processes: [{ pid: 3_000_001, stopped: false, zombie: false }],
    comm: "nobody",
    criuVersion: "4.1.1",
    arch: Deno.build.arch,
    pageSize: 4096,
    ownPidNamespace: true,
    durable: false,
    restore: {
      shellJob: false,
      tcpEstablished: false,
      tcpClose: false,
      extUnixSk: false,
      fileLocks: false,
      linkRemap: false,
      external: [],
    },
    holdMode: "stopped",
    files: [],
    restoreMode: "auto",
    memoryBytes: 0,
    direct: false,
    skippedChecks: [],
    late: false,
  };
}

/** Sends an image by hand: `name`, `size` and `digest` are whatever a trial makes of them. */
async function sendImage(stream: ByteStream, name: string, size: number, digest?: Uint8Array) {
  const header = encodeImageFrame({ type: "image", name, size });
  await writeFrame(stream, header, Math.max(header.length, maxImageFrameBytes));
  const content = new Uint8Array(Math.min(size, 1000));
  await stream.write(content);
  const right = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  await stream.write(digest ?? right);
}

/** A trial of the images stream: its header, or what comes with it. */
function images(send: (stream: ByteStream) => Promise<void>): Trial {
  return async (mine) => {
    const { images } = await mine.start();
    const stream = await mine.open("images", images);
    await send(stream).catch(() => {});
    return await mine.because(PREPARE);
  };
}

const wrong = new Uint8Array(32);
const end = (imageCount: number) => encodeImageFrame({ type: "end", imageCount });

const TRIALS: Readonly<Record<string, Trial>> = {
  "image-above": images((stream) => sendImage(stream, "../../../etc/evil.img", 10)),
  "image-nul": images((stream) => sendImage(stream, "core-1.img\0", 10)),
  "image-long": images((stream) => sendImage(stream, "a".repeat(4096), 10)),
  "image-empty-name": images((stream) => sendImage(stream, "", 10)),
  "image-size": images((stream) => sendImage(stream, "core-1.img", 2 ** 45)),
  "image-digest": images((stream) => sendImage(stream, "core-1.img", 10, wrong)),
  "image-twice": images(async (stream) => {
    await sendImage(stream, "core-1.img", 10);
    await sendImage(stream, "core-1.img", 10);
  }),
  "image-over-pages": images((stream) => sendImage(stream, "pages-9.img", 10)),
  "image-count": images(async (stream) => {
    await sendImage(stream, "core-1.img", 10);
    await writeFrame(stream, end(7), maxImageFrameBytes);
  }),
  "image-stall": images((stream) => sendImage(stream, "core-1.img", 1001)),
  "images-never-sent": async (mine) => {
    const { images } = await mine.start();
    await mine.open("images", images);
    return await outcomeOf(mine.link, { ...PREPARE, imageCount: 1, imageBytes: 10 });
  },
  "pages-garbage": async (mine) => {
    const { pages } = await mine.start();
    const stream = await mine.open("pages", pages);
    await stream.write(new Uint8Array(1000).fill(0x5a)).catch(() => {});
    return await mine.because(STOP);
  },
  "pages-cut": async (mine) => {
    const { pages } = await mine.start();
    const stream = await mine.open("pages", pages);
    stream.close();
    return await mine.because(STOP);
  },
  "iteration-skipped": ({ link }) =>
    outcomeOf(link, { type: "start-iteration", iteration: 7, final: false }),
  "iteration-after-final": async (mine) => {
    await mine.start();
    return await outcomeOf(mine.link, { type: "start-iteration", iteration: 2, final: true });
  },
  "stop-before-start": ({ link }) => outcomeOf(link, STOP),
  "prepare-at-once": ({ link }) => outcomeOf(link, PREPARE),
  "commit-at-once": ({ link, id }) =>
    outcomeOf(link, { type: "commit", migrationId: id, forced: false }),
  "commit-of-another": ({ link }) =>
    outcomeOf(link, { type: "commit", migrationId: other, forced: false }),
  "abort-of-another": ({ link }) =>
    outcomeOf(link, { type: "abort", migrationId: other, reason: "hostile", forced: false }),
  "begin-twice": ({ link }) => outcomeOf(link, beginOf("1".repeat(32))),
  "ticket-twice": async (mine) => {
    const { images } = await mine.start();
    await mine.open("images", images);
    return await mine.open("images", images).then(() => "taken", codeOf);
  },
  "ticket-of-another-kind": async (mine) => {
    const { images } = await mine.start();
    return await mine.open("pages", images).then(() => "taken", codeOf);
  },
  "ticket-guessed": (mine) => mine.open("pages", wrong).then(() => "taken", codeOf),
  "requests-at-once": async ({ link }) => {
    const slow = { type: "start-iteration", iteration: 1, final: true } as const;
    const many = Array.from({ length: 40 }, () => link.request(slow, REQUEST).catch(codeOf));
    await Promise.all(many);
    return (await link.lost).code;
  },
  "number-again": async ({ link, stream }) => {
    const request = { type: "request", seq: 1, request: PREPARE } as const;
    await writeFrame(stream, encodeEnvelope(request), maxControlFrameBytes);
    return (await link.lost).code;
  },
  "flood-of-pings": async ({ link, stream, id }) => {
    const ping = encodeEnvelope({ type: "ping" });
    for (let count = 0; count < 500; count++) await writeFrame(stream, ping, maxControlFrameBytes);
    return await outcomeOf(link, { type: "abort", migrationId: id, reason: "done", forced: false });
  },
  "half-a-frame": async ({ stream, link }) => {
    // What this link itself sends next becomes the rest of it, and makes no sense.
    await stream.write(Uint8Array.of(0, 0, 0));
    return (await link.lost).code;
  },
};

async function tryAll(security: Security): Promise<void> {
  for (const [name, trial] of Object.entries(TRIALS)) await tryOne(name, trial, security);
  for (const name of ["same-id", "same-id-elsewhere"]) {
    const { stream, link } = await connect(security);
    console.log(
      JSON.stringify({ name, outcome: await outcomeOf(link, beginOf(other)) }),
    );
    stream.close();
  }
}

async function tryOne(name: string, trial: Trial, security: Security): Promise<void> {
  const { stream, link } = await connect(security);
  const id = crypto.getRandomValues(new Uint8Array(16)).toHex();
  const opened: ByteStream[] = [stream];
  const mine: Mine = {
    id,
    link,
    stream,
    async open(kind, ticket) {
      const data = await openData(await dialled(security), kind, ticket, OPENING);
      opened.push(data);
      return data;
    },
    async start() {
      const request = { type: "start-iteration", iteration: 1, final: true } as const;
      const { pagesTicket = wrong, imagesTicket = wrong } = await link.request(request, REQUEST);
      return { pages: pagesTicket, images: imagesTicket };
    },
    async because(next) {
      await link.request(next, REQUEST).catch(() => {});
      const request = { type: "abort", migrationId: id, reason: "tried", forced: false } as const;
      const { because } = await link.request(request, REQUEST);
      return because?.code ?? "nothing";
    },
  };
  await link.request(beginOf(id), REQUEST);
  const outcome = await trial(mine).catch(codeOf);
  console.log(JSON.stringify({ name, outcome }));
  for (const one of opened) one.close();
}

async function outcomeOf(link: ControlLink, request: Request): Promise<string> {
  return await link.request(request, REQUEST).then(({ type }) => type, codeOf);
}

function codeOf(error: unknown): string {
  return asPhaulError(error).code;
}

async function connect(security: Security): Promise<{ stream: ByteStream; link: ControlLink }> {
  const stream = await dialled(security);
  return { stream, link: await openControl(stream, security, OPENING) };
}

async function dialled(security: Security): Promise<ByteStream> {
  const bounds = { timeoutMs: 30_000, keepaliveMs: 30_000 };
  return await dial({ host, port: PORT }, security, bounds);
}

/** Some say nothing, some begin and stop there; whichever is closed is replaced. */
async function flood(): Promise<void> {
  const beginnings = [[], [0x16, 3, 1, 2, 0], [...new TextEncoder().encode("phaul\0"), 1]];
  const one = async (beginning: readonly number[]) => {
    for (;;) {
      try {
        const connection = await Deno.connect({ hostname: host, port: PORT });
        if (beginning.length > 0) await connection.write(Uint8Array.from(beginning));
        while (await connection.read(new Uint8Array(100)) !== null);
        connection.close();
      } catch {
        // Refused or reset: there will be another.
      }
    }
  };
  const many = Array.from({ length: 100 }, (_, index) => one(beginnings[index % 3] ?? []));
  console.log("flooding");
  await Promise.all(many);
}

if (what === "flood") await flood();
else await tryAll({ kind: "tls", token: await readToken(tokenFile) });
