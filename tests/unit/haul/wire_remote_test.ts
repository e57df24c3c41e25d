import { assert, assertRejects } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import type { Peer } from "../../../src/haul/peer.ts";
import type { PageRelay } from "../../../src/haul/relay.ts";
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
