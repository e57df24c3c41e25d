import { assertEquals, assertRejects } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { Room, type RoomLimits } from "../../../src/haul/room.ts";
import { roomIn } from "../../../src/proc/mod.ts";

const MIB = 2 ** 20;

/** A room of `free.bytes`, which a test may change. */
function roomOf(bytes: number, limits: Partial<RoomLimits> = {}) {
  const free = { bytes, looks: 0 };
  const measure = () => {
    free.looks++;
    return Promise.resolve(free.bytes);
  };
  return { free, room: new Room("/work", { keepFreeBytes: 0, ...limits }, measure) };
}

async function refusal(work: Promise<unknown>): Promise<PhaulError> {
  const error = await assertRejects(() => work, PhaulError);
  assertEquals(error.code, "no-space");
  return error;
}

Deno.test("Room: what was announced and cannot fit is refused before it comes", async () => {
  const { room } = roomOf(100 * MIB, { keepFreeBytes: 10 * MIB });
  using _fits = await room.admit(90 * MIB);
  const error = await refusal(room.admit(1));
  assertEquals(error.remedy?.includes("--work-dir"), true);
});

Deno.test("Room: what others announced and have not brought counts, what they brought is gone already", async () => {
  const { room, free } = roomOf(100 * MIB);
  {
    using share = await room.admit(60 * MIB);
    await refusal(room.admit(50 * MIB));
    await share.take(60 * MIB);
    free.bytes -= 60 * MIB;
    using _other = await room.admit(40 * MIB);
  }
  using _again = await room.admit(100 * MIB - 60 * MIB);
});

Deno.test("Room: of two that are admitted at once and fit one by one, one is refused", async () => {
  const { room } = roomOf(100 * MIB);
  const both = await Promise.allSettled([room.admit(60 * MIB), room.admit(60 * MIB)]);
  assertEquals(both.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
});

Deno.test("Share: more than one migration may bring is refused, announced or not", async () => {
  const { room } = roomOf(100 * MIB, { maxImageBytes: 10 * MIB });
  assertEquals((await refusal(room.admit(11 * MIB))).remedy?.includes("--max-image-bytes"), true);
  using share = await room.admit(0);
  await share.take(10 * MIB);
  await refusal(share.take(1));
});

Deno.test("Share: it is refused before the last byte of the room is written", async () => {
  const { room, free } = roomOf(64 * MIB, { keepFreeBytes: 8 * MIB });
  using share = await room.admit(0);
  const chunk = MIB / 4;
  let written = 0;
  const fill = async () => {
    for (;;) {
      await share.take(chunk);
      written += chunk;
      free.bytes -= chunk;
    }
  };
  await refusal(fill());
  assertEquals(written <= 56 * MIB && written > 40 * MIB, true, `${written} bytes`);
  assertEquals(free.looks < 20, true, `it was looked at ${free.looks} times`);
});

Deno.test("Share: a size that is a lie is refused at once", async () => {
  const { room } = roomOf(64 * MIB);
  using share = await room.admit(0);
  await refusal(share.take(Number.MAX_SAFE_INTEGER));
});

Deno.test("roomIn: on tmpfs no more than memory and swap hold", async () => {
  const memory = await Deno.readTextFile("/proc/meminfo");
  const kib = (name: string) => Number(new RegExp(`^${name}: +(\\d+)`, "m").exec(memory)?.[1]);
  const room = await roomIn("/dev/shm");
  assertEquals(room > 0 && room <= (kib("MemTotal") + kib("SwapTotal")) * 1024, true);
});
