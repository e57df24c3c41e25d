import { assertEquals, assertThrows } from "@std/assert";
import { createSocket } from "node:dgram";
import { TickReceiver } from "../vagrant/receiver.ts";
import { WitnessError } from "../witness.ts";

const PORT = 19_000;
const HOSTS = new Map([["127.0.0.2", "source"], ["127.0.0.3", "destination"]]);

/** Sends texts one after the other, and waits until `heard` of them are known as ticks. */
async function send(
  witness: TickReceiver,
  texts: readonly (readonly [address: string, text: string])[],
  heard: number = texts.length,
): Promise<void> {
  for (const [address, text] of texts) {
    const socket = createSocket("udp4");
    await new Promise<void>((resolve) => socket.bind(0, address, resolve));
    await new Promise((resolve) => socket.send(text, PORT, "127.0.0.1", resolve));
    socket.close();
  }
  const total = () =>
    [...HOSTS.values()].reduce((sum, host) => sum + witness.count("piggie", host), 0);
  while (total() < heard) await new Promise((resolve) => setTimeout(resolve, 5));
}

Deno.test("TickReceiver: hears one copy that moved", async () => {
  using witness = await TickReceiver.listen("127.0.0.1", HOSTS, PORT);
  await send(witness, [
    ["127.0.0.2", "tick piggie source 1 9001"],
    ["127.0.0.2", "tick piggie source 2 9001"],
    ["127.0.0.3", "tick piggie destination 3 9001"],
    ["127.0.0.3", "tick piggie destination 4 9001"],
  ]);
  const { ticks } = witness.examine("piggie", ["source", "destination"]);
  assertEquals(ticks, 4);
});

Deno.test("TickReceiver: hears two copies", async () => {
  using witness = await TickReceiver.listen("127.0.0.1", HOSTS, PORT);
  await send(witness, [
    ["127.0.0.2", "tick piggie source 1 9001"],
    ["127.0.0.2", "tick piggie source 2 9001"],
    ["127.0.0.3", "tick piggie destination 2 9001"],
    ["127.0.0.3", "tick piggie destination 3 9001"],
  ]);
  const examine = () => witness.examine("piggie", ["source", "destination"]);
  assertThrows(examine, WitnessError, "number 2 was sent twice");
});

Deno.test("TickReceiver: a host that speaks in another's name is found out", async () => {
  using witness = await TickReceiver.listen("127.0.0.1", HOSTS, PORT);
  await send(witness, [
    ["127.0.0.3", "tick piggie source 1 9001"],
    ["127.0.0.2", "tick piggie source 2 9001"],
  ], 1);
  const examine = () => witness.examine("piggie", ["source"]);
  assertThrows(examine, WitnessError, "came from destination");
});
