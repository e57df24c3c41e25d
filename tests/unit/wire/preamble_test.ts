import { assertEquals } from "@std/assert";
import { agreedVersion, makePreamble, readPreamble } from "../../../src/wire/preamble.ts";
import { failure, thrown } from "./errors.ts";
import { playback } from "./memory_stream.ts";

Deno.test("readPreamble: gives back what makePreamble made", async () => {
  const versions = { lowest: 2, highest: 5 };
  assertEquals(await readPreamble(playback(makePreamble(versions), 1)), versions);
});

Deno.test("readPreamble: whoever is no phaul is refused", async () => {
  const bad = ["GET / HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n", "phaul\n\x01\x01", "phaulX\x01\x01"];
  const nonsense = ["phaul\0\x00\x01", "phaul\0\x02\x01", "ph", "phaul\0\x01"];
  for (const text of [...bad, ...nonsense]) {
    await failure("protocol", readPreamble(playback(new TextEncoder().encode(text))));
  }
});

Deno.test("readPreamble: TLS where none is expected is named, with the remedy", async () => {
  for (const bytes of [[0x16, 3, 1, 0, 200, 1], [0x15, 3, 3, 0, 2, 2, 50]]) {
    const error = await failure("protocol", readPreamble(playback(Uint8Array.from(bytes))));
    assertEquals(error.message.includes("TLS"), true);
    assertEquals(error.remedy?.includes("--insecure"), true);
  }
});

Deno.test("readPreamble: an end before the first byte is a lost peer", async () => {
  await failure("peer-lost", readPreamble(playback(new Uint8Array())));
});

Deno.test("agreedVersion: the highest that both speak", () => {
  const range = (lowest: number, highest: number) => ({ lowest, highest });
  assertEquals(agreedVersion("p", range(1, 3), range(2, 9)), 3);
  assertEquals(agreedVersion("p", range(4, 4), range(1, 4)), 4);
});

Deno.test("agreedVersion: names both sides' versions and where to install the newer one", () => {
  const old = { lowest: 1, highest: 1 };
  const young = { lowest: 3, highest: 4 };
  const error = thrown("version-mismatch", () => agreedVersion("dst:7284", old, young));
  assertEquals(error.message.includes("version 3 to 4"), true);
  assertEquals(error.message.includes("this side version 1"), true);
  assertEquals(error.remedy?.includes("here"), true);
  const other = thrown("version-mismatch", () => agreedVersion("dst:7284", young, old));
  assertEquals(other.remedy?.includes("on dst:7284"), true);
});
