import { assertEquals } from "@std/assert";
import { Heartbeat } from "../../../src/wire/heartbeat.ts";

Deno.test("Heartbeat: silent after four quiet ticks, with a ping at each before", async () => {
  const silent = Promise.withResolvers<void>();
  let pings = 0;
  using _heartbeat = new Heartbeat(20, { ping: () => void pings++, silent: silent.resolve });
  await silent.promise;
  assertEquals(pings, 3);
});

Deno.test("Heartbeat: one that is stopped in the turn in which its tick is due stays stopped", async () => {
  let stopped = 0;
  let pings = 0;
  for (let round = 0; round < 20; round++) {
    const heartbeat = new Heartbeat(16, { ping: () => void (pings += stopped), silent: () => {} });
    const stop = Deno.stat(".").then(() => {
      heartbeat[Symbol.dispose]();
      stopped = 1;
    });
    // The tick comes due, and the operation ends, while nothing else can run.
    for (const untilMs = performance.now() + 10; performance.now() < untilMs;);
    await stop;
    await new Promise((resolve) => setTimeout(resolve, 6));
    stopped = 0;
  }
  assertEquals(pings, 0);
});
