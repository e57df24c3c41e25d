/** Files of the state directory: phaul's own, as a crash or a full disk may have left them. */

import { assertEquals } from "@std/assert";
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

testTargets([
  { name: "identity", allowed: ["directory-unusable"], check: checkIdentity, rounds: 300 },
]);
