/** Files of the state directory: phaul's own, as a crash or a full disk may have left them. */

import { assert, assertEquals } from "@std/assert";
import { decodeJournal, encodeRecord } from "../../src/journal/mod.ts";
import { formatToken, loadIdentity } from "../../src/wire/mod.ts";
import { testTargets } from "./fuzz.ts";

/** Read at the start of `phaul serve`; one that is taken is published as it is. */
async function checkIdentity(input: Uint8Array): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "phaul-fuzz-" });
  try {
    await Deno.writeFile(`${dir}/identity.json`, input, { mode: 0o600 });
    const { token } = await loadIdentity(dir);
    assertEquals(await Deno.readTextFile(`${dir}/join-token`), `${formatToken(token)}\n`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** What is taken as records stands for itself: written anew it is the same. */
function checkJournal(input: Uint8Array): void {
  const { records, bytes } = decodeJournal(input, "journal");
  assert(bytes <= input.length);
  const again = records.flatMap((record) => [...encodeRecord(record)]);
  assertEquals(decodeJournal(Uint8Array.from(again), "journal").records, records);
}

testTargets([
  { name: "journal", allowed: ["journal-damaged"], check: checkJournal },
  { name: "identity", allowed: ["directory-unusable"], check: checkIdentity, rounds: 300 },
]);
