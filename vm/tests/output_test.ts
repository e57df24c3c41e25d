import { assertEquals, assertRejects } from "@std/assert";
import { LineReader } from "../output.ts";

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("LineReader.line: a line that comes in pieces, later", async () => {
  const reader = new LineReader();
  const line = reader.line(/listening/);
  reader.push(encode("one\nlist"));
  reader.push(encode("ening on 5\nmore"));
  assertEquals(await line, "listening on 5");
  assertEquals(reader.lines, ["one", "listening on 5"]);
});

Deno.test("LineReader.line: a line that was there before, and one without an end", async () => {
  const reader = new LineReader();
  reader.push(encode("first\nlast"));
  reader.end();
  assertEquals(await reader.line(/first/), "first");
  assertEquals(await reader.line(/last/), "last");
});

Deno.test("LineReader.line: rejects at the end of the output, now and later", async () => {
  const reader = new LineReader();
  const waiting = reader.line(/never/);
  reader.push(encode("other\n"));
  reader.end();
  await assertRejects(() => waiting, Error, "without the line waited for");
  await assertRejects(() => reader.line(/never/), Error, '"other"');
});

Deno.test("LineReader.text: characters split between pieces", () => {
  const reader = new LineReader();
  const [a, b, ...rest] = encode("ü\n");
  reader.push(new Uint8Array([a ?? 0]));
  reader.push(new Uint8Array([b ?? 0, ...rest]));
  assertEquals(reader.text, "ü\n");
  assertEquals(reader.lines, ["ü"]);
});
