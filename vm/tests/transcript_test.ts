import { assertEquals, assertRejects } from "@std/assert";
import { lastingLine, Transcript } from "../vagrant/transcript.ts";

Deno.test("Transcript: keeps what was typed and what stays of what it showed", async () => {
  const transcript = new Transcript([["/elsewhere", "~"]]);
  const shown = await transcript.run(
    String.raw`printf 'Progress: 1%%\rProgress: 100%%\r\033[Kread /elsewhere/box\n'; echo well >&2`,
  );
  assertEquals(shown, "read /elsewhere/box\nwell");
  assertEquals(transcript.text.split("\n").slice(1), ["read ~/box", "well"]);
});

Deno.test("Transcript: a line that fails is an error, in whatever place of a pipe", async () => {
  const transcript = new Transcript([]);
  await assertRejects(() => transcript.run("(echo said; exit 3) | cat"), Error, "exited with 3");
  assertEquals(transcript.text.split("\n")[1], "said");
});

Deno.test("lastingLine: nothing stays of progress", () => {
  assertEquals(lastingLine("\x1b[K    Progress: 22% (Rate: 239M/s)"), undefined);
  assertEquals(lastingLine("==> source: Starting domain.  "), "==> source: Starting domain.");
});
