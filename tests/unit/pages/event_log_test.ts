import { assertEquals } from "@std/assert";
import { EventLog } from "../../../src/pages/event_log.ts";
import { loadLibc } from "../../../src/sys/mod.ts";
import { type EventFields, uffdMessage } from "../sys/uffd_messages.ts";
import { Temporary } from "./temporary.ts";

loadLibc();

/** What the kernel does: it writes into the slot. */
function read(log: EventLog, event: EventFields, keep = true): void {
  log.slot().set(uffdMessage(event));
  if (keep) log.keep();
}

const UNMAP: EventFields = { event: 0x16, words: [0x5000, 0x6000] };
const REMAP: EventFields = { event: 0x14, words: [0x1000, 0x2000, 0x3000] };

Deno.test("EventLog: a new one is empty", () => {
  using dir = new Temporary();
  using log = new EventLog(`${dir.path}/log`);
  assertEquals([log.length, log.events()], [0, []]);
});

Deno.test("EventLog: what was kept is there when it is opened again, in order", () => {
  using dir = new Temporary();
  const path = `${dir.path}/log`;
  {
    using log = new EventLog(path);
    for (let round = 0; round < 300; round++) {
      read(log, UNMAP);
      read(log, REMAP);
    }
  }
  using log = new EventLog(path);
  assertEquals(log.length, 600);
  assertEquals(log.events().slice(-2), [
    { kind: "unmap", start: 0x5000, end: 0x6000 },
    { kind: "remap", from: 0x1000, to: 0x2000, bytes: 0x3000 },
  ]);
  read(log, UNMAP);
  assertEquals(log.length, 601);
});

Deno.test("EventLog: an event that was read is on record before anybody keeps it", () => {
  using dir = new Temporary();
  {
    using log = new EventLog(`${dir.path}/log`);
    read(log, REMAP, false);
    assertEquals(log.length, 0);
  }
  using log = new EventLog(`${dir.path}/log`);
  assertEquals(log.events().map(({ kind }) => kind), ["remap"]);
});

Deno.test("EventLog: a fault behind the end is no part of it", () => {
  using dir = new Temporary();
  const path = `${dir.path}/log`;
  {
    using log = new EventLog(path);
    read(log, UNMAP);
    read(log, { event: 0x12, words: [0, 0x7000] }, false);
  }
  {
    using log = new EventLog(path);
    assertEquals(log.length, 1);
    read(log, REMAP);
  }
  using log = new EventLog(path);
  assertEquals(log.events().map(({ kind }) => kind), ["unmap", "remap"]);
});

Deno.test("EventLog: takes no more room than is used", () => {
  using dir = new Temporary();
  using log = new EventLog(`${dir.path}/log`);
  read(log, UNMAP);
  const { size, blocks } = Deno.statSync(`${dir.path}/log`);
  assertEquals((blocks ?? 0) * 512 < size / 10, true);
});
