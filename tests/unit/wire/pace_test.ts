import { assert, assertEquals } from "@std/assert";
import { ControlLink } from "../../../src/wire/mod.ts";
import { encodeEnvelope } from "../../../src/wire/envelope.ts";
import { frame, maxControlFrameBytes } from "../../../src/wire/frames.ts";
import { memoryPair } from "./memory_stream.ts";

const PINGS = 600;

Deno.test("ControlLink: a flood of messages leaves others their turn, and is answered all the same", async () => {
  const [near, far] = memoryPair();
  const ping = frame(encodeEnvelope({ type: "ping" }), maxControlFrameBytes);
  for (let count = 0; count < PINGS; count++) await far.write(ping);
  using _link = new ControlLink(near, { peerTimeoutMs: 60_000 });
  const answered = () => near.written.length / frame(encodeEnvelope({ type: "pong" }), 100).length;
  // Were all of them taken in one go, no timer would fire before the last one was.
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert(answered() > 0 && answered() < PINGS, `${answered()} were answered`);
  while (answered() < PINGS) await new Promise((resolve) => setTimeout(resolve, 10));
  assertEquals(answered(), PINGS);
  // The last one was waited for too.
  await new Promise((resolve) => setTimeout(resolve, 50));
});

Deno.test("ControlLink: a message that trickles in ends the link, though it is never silent", async () => {
  const [near, far] = memoryPair();
  using link = new ControlLink(near, { peerTimeoutMs: 100 });
  await far.write(Uint8Array.of(0, 1, 0, 0));
  const trickle = setInterval(() => void far.write(Uint8Array.of(0)), 5);
  const { code, message } = await link.lost;
  clearInterval(trickle);
  assertEquals(code, "peer-silent");
  assert(message.includes("has not ended"), message);
});
