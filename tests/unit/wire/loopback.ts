/** A listening wire on the loopback interface, for tests over real sockets. */

import { asPhaulError, type PhaulError } from "../../../src/errors.ts";
import {
  acceptConnection,
  type Accepted,
  type AcceptOptions,
  type Address,
  type ByteStream,
  type ControlLink,
  dial,
  type Identity,
  listen,
  loadIdentity,
  openControl,
  openData,
  type Security,
  type ServerSecurity,
} from "../../../src/wire/mod.ts";

let made: Promise<Identity> | undefined;

/** One identity for all tests of a file. */
export function testIdentity(): Promise<Identity> {
  made ??= newIdentity();
  return made;
}

/** An identity that no other test has. */
export async function newIdentity(): Promise<Identity> {
  const dir = await Deno.makeTempDir();
  try {
    return await loadIdentity(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Both ends' security: by TLS with the test identity, or none. */
export async function securityOf(
  kind: Security["kind"],
): Promise<{ client: Security; server: ServerSecurity }> {
  if (kind === "insecure") return { client: { kind }, server: { kind } };
  const identity = await testIdentity();
  return { client: { kind, token: identity.token }, server: { kind, identity } };
}

/** A server that runs until it is disposed of. */
export interface Loopback extends AsyncDisposable {
  readonly address: Address;
  /** The next connection that was let in, or the error of one that was not. */
  next(): Promise<Accepted | PhaulError>;
}

/** Accepts on a free port of 127.0.0.1. */
export async function serveLoopback(
  security: ServerSecurity,
  options: Partial<AcceptOptions> = {},
): Promise<Loopback> {
  const listener = await listen({ host: "127.0.0.1", port: 0 }, security);
  const outcomes: (Accepted | PhaulError)[] = [];
  let wake = () => {};
  const handled: Promise<void>[] = [];
  const handle = async (stream: ByteStream) => {
    const outcome = await acceptConnection(stream, security, {
      deadlineMs: 10_000,
      peerTimeoutMs: 60_000,
      redeemTicket: () => false,
      ...options,
    }).catch(asPhaulError);
    outcomes.push(outcome);
    wake();
  };
  const accepting = (async () => {
    for (let stream; (stream = await listener.accept());) handled.push(handle(stream));
  })();
  return {
    address: listener.address,
    async next() {
      for (;;) {
        const outcome = outcomes.shift();
        if (outcome) return outcome;
        await new Promise<void>((resolve) => wake = resolve);
      }
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(handled);
      for (const outcome of outcomes) closeAccepted(outcome);
    },
  };
}

/** Closes whatever `next` gave. */
export function closeAccepted(outcome: Accepted | PhaulError): void {
  if (outcome instanceof Error) return;
  if (outcome.kind === "control") outcome.link.close();
  else outcome.stream.close();
}

/** Dials with generous bounds. */
export function dialLoopback(address: Address, security: Security): Promise<ByteStream> {
  return dial(address, security, { timeoutMs: 10_000, keepaliveMs: 10_000 });
}

/** Both ends of a control link over real sockets. */
export async function linkPair(
  kind: Security["kind"],
  peerTimeoutMs = 60_000,
): Promise<{ source: ControlLink; destination: ControlLink } & AsyncDisposable> {
  const { client, server } = await securityOf(kind);
  const loopback = await serveLoopback(server, { peerTimeoutMs });
  const source = await openControl(await dialLoopback(loopback.address, client), client, {
    deadlineMs: 10_000,
    peerTimeoutMs,
  });
  const accepted = await loopback.next();
  if (accepted instanceof Error) throw accepted;
  if (accepted.kind !== "control") throw new Error(`a ${accepted.kind} stream came`);
  const destination = accepted.link;
  return {
    source,
    destination,
    async [Symbol.asyncDispose]() {
      source.close();
      destination.close();
      await loopback[Symbol.asyncDispose]();
    },
  };
}

/** Both ends of a pages stream over real sockets. */
export async function dataPair(
  kind: Security["kind"],
): Promise<{ source: ByteStream; destination: ByteStream } & AsyncDisposable> {
  const { client, server } = await securityOf(kind);
  const loopback = await serveLoopback(server, { redeemTicket: () => true });
  const stream = await dialLoopback(loopback.address, client);
  const ticket = new Uint8Array(32);
  const source = await openData(stream, "pages", ticket, { deadlineMs: 10_000 });
  const accepted = await loopback.next();
  if (accepted instanceof Error) throw accepted;
  if (accepted.kind === "control") throw new Error("a control link came");
  const destination = accepted.stream;
  return {
    source,
    destination,
    async [Symbol.asyncDispose]() {
      source.close();
      destination.close();
      await loopback[Symbol.asyncDispose]();
    },
  };
}
