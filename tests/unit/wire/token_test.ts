import { assertEquals } from "@std/assert";
import { formatToken, type JoinToken, parseToken, readToken } from "../../../src/wire/mod.ts";
import { failure, thrown } from "./errors.ts";
import { testIdentity } from "./loopback.ts";

async function tokenText(): Promise<[JoinToken, string]> {
  const { token } = await testIdentity();
  return [token, formatToken(token)];
}

Deno.test("parseToken: gives back what formatToken wrote, with white space around it or not", async () => {
  const [token, text] = await tokenText();
  assertEquals(parseToken(text), token);
  assertEquals(parseToken(`\n  ${text}\r\n`), token);
  assertEquals(/^phaul1:[A-Za-z0-9_-]+$/.test(text), true);
});

Deno.test("parseToken: a damaged text is refused without being quoted", async () => {
  const [, text] = await tokenText();
  const body = text.slice("phaul1:".length);
  const bad = [
    "",
    "phaul1:",
    body,
    `phaul2:${body}`,
    text.slice(0, -1),
    text.slice(0, -40),
    text + "AAAA",
    `${text} ${text}`,
    text.slice(0, 50) + "*" + text.slice(51),
    text.slice(0, 50) + "=" + text.slice(51),
    text.slice(0, 50) + "\ufffd" + text.slice(51),
    text.slice(0, 100) + text.slice(105),
    "phaul1:" + "A".repeat(600),
    "x".repeat(1_000_000),
  ];
  for (const damaged of bad) {
    const error = thrown("wrong-token", () => parseToken(damaged));
    assertEquals(error.message.includes(body.slice(0, 20)), false);
  }
});

Deno.test("readToken: reads a file that only its owner may read", async () => {
  const [token, text] = await tokenText();
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, text + "\n");
  await Deno.chmod(path, 0o600);
  assertEquals(await readToken(path), token);
  await Deno.remove(path);
});

Deno.test("readToken: a file that others may read or write is refused with the remedy", async () => {
  const [, text] = await tokenText();
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, text);
  for (const mode of [0o640, 0o604, 0o620, 0o602]) {
    await Deno.chmod(path, mode);
    const error = await failure("wrong-token", readToken(path));
    assertEquals(error.remedy, `Run: chmod 600 ${JSON.stringify(path)}`);
  }
  await Deno.remove(path);
});

Deno.test("readToken: a missing file, a directory and a huge file are refused", async () => {
  const dir = await Deno.makeTempDir();
  await failure("wrong-token", readToken(`${dir}/none`));
  await failure("wrong-token", readToken(dir));
  await Deno.writeTextFile(`${dir}/huge`, "x".repeat(100_000), { mode: 0o600 });
  await failure("wrong-token", readToken(`${dir}/huge`));
  await Deno.remove(dir, { recursive: true });
});

Deno.test("readToken: a file of another user is refused", async () => {
  const [, text] = await tokenText();
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, 0o600);
  if (Deno.uid() === 0) {
    await Deno.chown(path, 65_534, 65_534);
    const error = await failure("wrong-token", readToken(path));
    assertEquals(error.message.includes("another user"), true);
  }
  await Deno.remove(path);
});
