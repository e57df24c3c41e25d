import { assert, assertEquals } from "@std/assert";
import {
  decodeUffdEvent,
  fillFrom,
  fillWithZeros,
  loadLibc,
  Mapping,
  openFile,
  readableAmong,
  readUffdEvent,
  UFFD_EVENT_BYTES,
  unregister,
  wake,
} from "../../../src/sys/mod.ts";
import { Temporary } from "../pages/temporary.ts";
import { UffdMemory, whyNoUffd } from "./own_uffd.ts";
import { uffdMessage } from "./uffd_messages.ts";

loadLibc();

const FAR = 0x7fff_ffff_e000;

Deno.test("decodeUffdEvent: reads each kind, up to the highest addresses", () => {
  assertEquals(decodeUffdEvent(uffdMessage({ event: 0x12, words: [1, FAR + 5] })), {
    kind: "fault",
    address: FAR + 5,
  });
  assertEquals(decodeUffdEvent(uffdMessage({ event: 0x13, words: [12] })), {
    kind: "fork",
    fd: 12,
  });
  assertEquals(decodeUffdEvent(uffdMessage({ event: 0x14, words: [FAR, 0x1000, 2 ** 40] })), {
    kind: "remap",
    from: FAR,
    to: 0x1000,
    bytes: 2 ** 40,
  });
  for (const [event, kind] of [[0x15, "remove"], [0x16, "unmap"]] as const) {
    assertEquals(decodeUffdEvent(uffdMessage({ event, words: [0x1000, FAR] })), {
      kind,
      start: 0x1000,
      end: FAR,
    });
  }
});

Deno.test("decodeUffdEvent: zeros and unknown events are none", () => {
  assertEquals(decodeUffdEvent(new Uint8Array(32)), undefined);
  assertEquals(decodeUffdEvent(uffdMessage({ event: 0x17, words: [1, 2, 3] })), undefined);
});

Deno.test("decodeUffdEvent: reads where the bytes lie", () => {
  const log = new Uint8Array(96);
  log.set(uffdMessage({ event: 0x16, words: [0x1000, 0x2000] }), 64);
  assertEquals(decodeUffdEvent(log.subarray(64, 96))?.kind, "unmap");
});

const PAGE_BYTES = 4096;
const missing = whyNoUffd();
if (missing !== undefined) console.error(`Tests of userfaultfd are skipped: ${missing}`);

/** A test with a memory of its own, and a file that it is filled from: page N of it holds 100 + N. */
function uffdTest(name: string, action: (memory: UffdMemory, source: number) => Promise<void>) {
  Deno.test({
    name,
    ignore: missing !== undefined,
    fn: async () => {
      using dir = new Temporary();
      const contents = Uint8Array.from({ length: 16 * PAGE_BYTES }, (_, at) => 100 + (at >> 12));
      Deno.writeFileSync(`${dir.path}/pages`, contents);
      using file = openFile(`${dir.path}/pages`, "read");
      using mapping = Mapping.of(file, contents.length);
      using memory = new UffdMemory(16);
      await action(memory, mapping.address);
    },
  });
}

/** The next event, waited for. */
function nextEvent(memory: UffdMemory) {
  assertEquals(readableAmong([memory.uffd], -1), [0]);
  const bytes = new Uint8Array(UFFD_EVENT_BYTES);
  assert(readUffdEvent(memory.uffd, bytes));
  return decodeUffdEvent(bytes);
}

uffdTest("readUffdEvent: there is nothing while nobody does anything", (memory) => {
  assertEquals(readUffdEvent(memory.uffd, new Uint8Array(UFFD_EVENT_BYTES)), false);
  return Promise.resolve();
});

uffdTest("fillFrom: who waits for a page goes on with its contents", async (memory, source) => {
  const reading = memory.read(2);
  const event = nextEvent(memory);
  assertEquals(event?.kind, "fault");
  const address = event?.kind === "fault" ? event.address : 0;
  assertEquals(Math.floor((address - memory.address) / PAGE_BYTES), 2);
  const at = memory.address + 2 * PAGE_BYTES;
  const filling = fillFrom(memory.uffd, at, source + 5 * PAGE_BYTES, PAGE_BYTES);
  assertEquals(filling, { outcome: "filled", bytes: PAGE_BYTES });
  assertEquals(await reading, 105);
});

uffdTest("fillFrom: several pages at once, up to one that is there", async (memory, source) => {
  const { uffd, address } = memory;
  assertEquals(fillFrom(uffd, address + 4 * PAGE_BYTES, source, PAGE_BYTES).outcome, "filled");
  const whole = 8 * PAGE_BYTES;
  assertEquals(fillFrom(uffd, address, source, whole).bytes, 4 * PAGE_BYTES);
  const there = fillFrom(uffd, address + 4 * PAGE_BYTES, source, PAGE_BYTES);
  assertEquals(there, { outcome: "there", bytes: 0 });
  const rest = fillFrom(uffd, address + 5 * PAGE_BYTES, source + 5 * PAGE_BYTES, 3 * PAGE_BYTES);
  assertEquals(rest, { outcome: "filled", bytes: 3 * PAGE_BYTES });
  const values = [];
  for (let page = 0; page < 8; page++) values.push(await memory.read(page));
  assertEquals(values, [100, 101, 102, 103, 100, 105, 106, 107]);
});

uffdTest("fillWithZeros: as filling, with nothing", async (memory, source) => {
  const { uffd, address } = memory;
  const reading = memory.read(0);
  assertEquals(nextEvent(memory)?.kind, "fault");
  assertEquals(fillWithZeros(uffd, address, PAGE_BYTES).outcome, "filled");
  assertEquals(await reading, 0);
  assertEquals(fillWithZeros(uffd, address, PAGE_BYTES), { outcome: "there", bytes: 0 });
  assertEquals(fillFrom(uffd, address, source, PAGE_BYTES).outcome, "there");
});

uffdTest("fillFrom, fillWithZeros: what is not registered is absent", (memory, source) => {
  const { uffd, address } = memory;
  unregister(uffd, address, 4 * PAGE_BYTES);
  const nothing = { outcome: "absent", bytes: 0 } as const;
  assertEquals(fillFrom(uffd, address, source, PAGE_BYTES), nothing);
  assertEquals(fillWithZeros(uffd, address, PAGE_BYTES), nothing);
  // One that lies in part elsewhere is refused as a whole.
  assertEquals(fillFrom(uffd, address + 12 * PAGE_BYTES, source, 16 * PAGE_BYTES), nothing);
  return Promise.resolve();
});

uffdTest("unregister: the kernel fills in what is left to it", async (memory) => {
  unregister(memory.uffd, memory.address, PAGE_BYTES);
  unregister(memory.uffd, memory.address, PAGE_BYTES);
  assertEquals(await memory.read(0), 0);
  assertEquals(readUffdEvent(memory.uffd, new Uint8Array(UFFD_EVENT_BYTES)), false);
});

uffdTest("wake: who waits faults again", async (memory, source) => {
  const reading = memory.read(3);
  assertEquals(nextEvent(memory)?.kind, "fault");
  wake(memory.uffd, memory.address, 16 * PAGE_BYTES);
  assertEquals(nextEvent(memory)?.kind, "fault");
  fillFrom(memory.uffd, memory.address + 3 * PAGE_BYTES, source, PAGE_BYTES);
  assertEquals(await reading, 100);
  wake(memory.uffd, 65_536, 2 ** 47 - 4096 - 65_536);
});

uffdTest(
  "readUffdEvent: who forgets or unmaps goes on once it was read",
  async (memory, source) => {
    const { uffd, address } = memory;
    const forgetting = memory.forget(2, 3);
    assertEquals(readableAmong([uffd], -1), [0]);
    // Until then nothing can be filled in.
    assertEquals(fillFrom(uffd, address, source, PAGE_BYTES), { outcome: "again", bytes: 0 });
    const [start, end] = [address + 2 * PAGE_BYTES, address + 5 * PAGE_BYTES];
    assertEquals(nextEvent(memory), { kind: "remove", start, end });
    await forgetting;
    const unmapping = memory.unmap(2, 3);
    assertEquals(nextEvent(memory), { kind: "unmap", start, end });
    await unmapping;
    assertEquals(fillFrom(uffd, start, source, PAGE_BYTES), { outcome: "absent", bytes: 0 });
  },
);
