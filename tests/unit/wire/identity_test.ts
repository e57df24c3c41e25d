import { assertEquals, assertNotEquals } from "@std/assert";
import { formatToken, loadIdentity, readToken } from "../../../src/wire/mod.ts";
import { failure } from "./errors.ts";

async function inDirectory(test: (dir: string) => Promise<void>): Promise<void> {
  const parent = await Deno.makeTempDir();
  try {
    await test(`${parent}/state`);
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

async function listing(dir: string): Promise<Record<string, number>> {
  const modes: Record<string, number> = {};
  for await (const { name } of Deno.readDir(dir)) {
    modes[name] = ((await Deno.stat(`${dir}/${name}`)).mode ?? 0) & 0o777;
  }
  return modes;
}

Deno.test("loadIdentity: the first start makes it, later ones find the same", () =>
  inDirectory(async (dir) => {
    const first = await loadIdentity(dir);
    assertEquals(await loadIdentity(dir), first);
    assertEquals(await readToken(`${dir}/join-token`), first.token);
  }));

Deno.test("loadIdentity: directory 0700, files 0600, nothing else left behind", () =>
  inDirectory(async (dir) => {
    await loadIdentity(dir);
    assertEquals(((await Deno.stat(dir)).mode ?? 0) & 0o777, 0o700);
    assertEquals(await listing(dir), { "identity.json": 0o600, "join-token": 0o600 });
  }));

Deno.test("loadIdentity: two directories get two identities", () =>
  inDirectory(async (dir) => {
    const [a, b] = [await loadIdentity(`${dir}/a`), await loadIdentity(`${dir}/b`)];
    assertNotEquals(a.token.secret, b.token.secret);
    assertNotEquals(a.token.certificateSha256, b.token.certificateSha256);
  }));

Deno.test("loadIdentity: first starts at once agree", () =>
  inDirectory(async (dir) => {
    const all = await Promise.all(Array.from({ length: 8 }, () => loadIdentity(dir)));
    const texts = new Set(all.map(({ token }) => formatToken(token)));
    assertEquals(texts.size, 1);
    assertEquals(await listing(dir), { "identity.json": 0o600, "join-token": 0o600 });
  }));

Deno.test("loadIdentity: a removed, stale or open token file is written anew", () =>
  inDirectory(async (dir) => {
    const { token } = await loadIdentity(dir);
    await Deno.remove(`${dir}/join-token`);
    await loadIdentity(dir);
    assertEquals(await readToken(`${dir}/join-token`), token);
    await Deno.writeTextFile(`${dir}/join-token`, "phaul1:old\n");
    await loadIdentity(dir);
    assertEquals(await readToken(`${dir}/join-token`), token);
    await Deno.chmod(`${dir}/join-token`, 0o644);
    await loadIdentity(dir);
    assertEquals(await readToken(`${dir}/join-token`), token);
  }));

Deno.test("loadIdentity: a damaged identity is refused and neither replaced nor quoted", () =>
  inDirectory(async (dir) => {
    await loadIdentity(dir);
    const whole = await Deno.readTextFile(`${dir}/identity.json`);
    for (const damaged of ["", "{}", "null", whole.slice(0, 300), `{"key":"KEY","token":"x"}`]) {
      await Deno.writeTextFile(`${dir}/identity.json`, damaged);
      const error = await failure("directory-unusable", loadIdentity(dir));
      assertEquals(/PRIVATE KEY|phaul1|KEY/.test(error.message), false);
      assertEquals(await Deno.readTextFile(`${dir}/identity.json`), damaged);
    }
  }));

Deno.test("loadIdentity: a key that others may read and a directory that others may write are refused", () =>
  inDirectory(async (dir) => {
    await loadIdentity(dir);
    await Deno.chmod(`${dir}/identity.json`, 0o640);
    await failure("directory-unusable", loadIdentity(dir));
    await Deno.chmod(`${dir}/identity.json`, 0o600);
    await Deno.chmod(dir, 0o777);
    await failure("directory-unusable", loadIdentity(dir));
  }));

Deno.test("loadIdentity: a path below a file is refused", () =>
  inDirectory(async (dir) => {
    await Deno.writeTextFile(dir, "");
    await failure("directory-unusable", loadIdentity(`${dir}/below`));
  }));
