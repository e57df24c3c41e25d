/** The token's secret and the certificate's key: where they must not be, and how they are changed. */

import { assert, assertEquals } from "@std/assert";
import { readToken } from "../../../src/wire/mod.ts";
import { expectRefusal } from "./refusal.ts";
import { expectCode, World } from "./world.ts";

/** Writes down what anybody on the host could see of every process there, and its own surroundings. */
const SPY = `#!/bin/bash
exec 2>/dev/null
{
  printf '%s\\n' "$0" "$@"
  for process in /proc/[0-9]*; do
    tr '\\0' '\\n' <$process/cmdline
    tr '\\0' '\\n' <$process/environ
  done
} >>"$(dirname "$0")/seen-by-$(hostname)"
[ ! -e "$(dirname "$0")/fail-at-$PHAUL_STAGE" ]
`;

/** Files that hold a secret and are meant to. */
const KEEPERS = ["identity.json", "join-token"];

/** Every file below `dir` with its path, as text of one character a byte. */
async function* filesBelow(dir: string): AsyncGenerator<{ path: string; text: string }> {
  for await (const { name, isDirectory, isFile } of Deno.readDir(dir)) {
    const path = `${dir}/${name}`;
    if (isDirectory) yield* filesBelow(path);
    if (!isFile || KEEPERS.includes(name)) continue;
    yield { path, text: new TextDecoder("latin1").decode(await Deno.readFile(path)) };
  }
}

/** The ways in which a secret could be written. */
function spellings(secret: Uint8Array): string[] {
  const base64 = secret.toBase64({ omitPadding: true });
  const raw = new TextDecoder("latin1").decode(secret);
  return [
    secret.toHex(),
    base64,
    secret.toBase64({ alphabet: "base64url", omitPadding: true }),
    raw,
  ];
}

Deno.test("migrate and serve: no log, event, argument or environment holds the token or the key", async () => {
  await using world = await World.make();
  const spy = `${world.dir}/spy`;
  await Deno.writeTextFile(spy, SPY, { mode: 0o755 });
  const victim = await world.victim();
  const args = ["--hook", spy];
  const server = await world.serve({ args });
  // One that fails leaves logs behind, one that succeeds goes through every stage.
  await Deno.writeTextFile(`${world.dir}/fail-at-prepared`, "");
  await expectCode(await world.startMigration(victim, { args }), 54);
  await server.event("aborted");
  await Deno.remove(`${world.dir}/fail-at-prepared`);
  await world.migrate(victim, { args });
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");

  const { stateDir } = world.beta;
  const { secret } = await readToken(`${stateDir}/join-token`);
  const { key } = JSON.parse(await Deno.readTextFile(`${stateDir}/identity.json`));
  const lines = String(key).split("\n").filter((line) => line.length > 30 && !line.includes("-"));
  const secrets = [...spellings(secret), ...lines];
  assert(lines.length > 0);
  const leaks: string[] = [];
  const names: string[] = [];
  for await (const { path, text } of filesBelow(world.dir)) {
    names.push(path);
    if (secrets.some((one) => text.includes(one))) leaks.push(path);
  }
  assertEquals(leaks, []);
  // It would find nothing either had it looked at nothing.
  const looked = {
    alpha: ["swrk", "PHAUL_STAGE=frozen", "--state-dir"],
    beta: ["PHAUL_STAGE=prepared", "--state-dir"],
  };
  for (const [host, signs] of Object.entries(looked)) {
    const seen = await Deno.readTextFile(`${world.dir}/seen-by-${host}`);
    assertEquals(signs.filter((sign) => !seen.includes(sign)), [], host);
  }
  assert(names.some((path) => /\/state\/logs\/.*\.log$/.test(path)), names.join(", "));
});

Deno.test("serve: without its identity files it makes others, and the old token opens nothing", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const { stateDir } = world.beta;
  const old = `${world.dir}/old-token`;
  const first = await world.serve();
  await Deno.copyFile(`${stateDir}/join-token`, old);
  await Deno.chmod(old, 0o600);
  await first.signal("TERM");
  assertEquals(await first.code, 0);
  await world.beta.host.run("rm", `${stateDir}/identity.json`, `${stateDir}/join-token`);

  await world.serve();
  const refused = await world.startMigration(victim, { args: ["--token-file", old] });
  await expectRefusal(refused, 44, "certificate", "join-token");
  const [before, after] = [await readToken(old), await readToken(`${stateDir}/join-token`)];
  assert(before.secret.toHex() !== after.secret.toHex());
  assert(before.certificateSha256.toHex() !== after.certificateSha256.toHex());
  await world.migrate(victim);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});
