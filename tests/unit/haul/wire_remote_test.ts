import { assert, assertEquals, assertRejects } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import type { Peer } from "../../../src/haul/peer.ts";
import type { PageRelay } from "../../../src/haul/relay.ts";
import { type ByteStream, PacedStream } from "../../../src/wire/mod.ts";
import { WireRemote } from "../../../src/haul/wire_remote.ts";

Deno.test("WireRemote: tells that the destination gets ready, until it is or has refused", async () => {
  const asked = Promise.withResolvers<never>();
  const peer = { request: () => asked.promise } as unknown as Peer;
  using remote = new WireRemote(peer, { pages: 0, bytes: 0 } as PageRelay, () => {});
  assert(!remote.starting);
  const starting = remote.startIter({ iteration: 1, final: false });
  assert(remote.starting);
  asked.reject(new PhaulError("hook-failed", "Cannot pass"));
  await assertRejects(() => starting, PhaulError, "Cannot pass");
  assert(!remote.starting);
});

/** What an iteration's streams are, for a remote whose peer agrees to everything. */
async function streamsOf(final: boolean): Promise<(ByteStream | undefined)[]> {
  const { promise: pages, resolve } = Promise.withResolvers<ByteStream>();
  const ticket = new Uint8Array(32);
  const peer = {
    request: () =>
      Promise.resolve({ pagesTicket: ticket, ...(final ? { imagesTicket: ticket } : {}) }),
    open: () => Promise.resolve({ peer: "b:1", close: () => {} }),
  } as unknown as Peer;
  const relay = { pages: 0, bytes: 0, begin: resolve } as unknown as PageRelay;
  using remote = new WireRemote(peer, relay, () => {}, { bandwidth: { preCopy: 1_000_000 } });
  await remote.startIter({ iteration: 1, final });
  return [await pages, remote.images];
}

Deno.test("WireRemote: a rate for pre-copy holds pre-copy back and not the switchover", async () => {
  const [preDump] = await streamsOf(false);
  assert(preDump instanceof PacedStream);
  const final = await streamsOf(true);
  assertEquals(final.map((stream) => stream instanceof PacedStream), [false, false]);
  assert(final[1] !== undefined);
});
