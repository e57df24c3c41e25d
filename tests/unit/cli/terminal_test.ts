import { assertEquals } from "@std/assert";
import { type ByteSink, isJournal, PatientWriter } from "../../../src/cli/terminal.ts";

/** Takes few bytes at a time, and nothing until it is opened. */
class SlowSink implements ByteSink {
  text = "";
  readonly #atMost: number;
  readonly #opened = Promise.withResolvers<void>();

  constructor(atMost: number) {
    this.#atMost = atMost;
  }

  open(): void {
    this.#opened.resolve();
  }

  async write(data: Uint8Array): Promise<number> {
    await this.#opened.promise;
    const part = data.subarray(0, this.#atMost);
    this.text += new TextDecoder().decode(part);
    return part.length;
  }
}

Deno.test("PatientWriter: writes everything in order, however little is taken at a time", async () => {
  const sink = new SlowSink(3);
  const writer = new PatientWriter(sink);
  writer.write("one line\n");
  writer.write("another\n");
  sink.open();
  await writer.flush(60_000);
  assertEquals(sink.text, "one line\nanother\n");
  writer.write("a third\n");
  await writer.flush(60_000);
  assertEquals(sink.text, "one line\nanother\na third\n");
});

Deno.test("PatientWriter: a reader that stands still does not hold up the program", async () => {
  const sink = new SlowSink(3);
  const writer = new PatientWriter(sink);
  writer.write("never read");
  await writer.flush(1);
  assertEquals(sink.text, "");
});

Deno.test("PatientWriter: keeps no more than it must for a reader that stands still", async () => {
  const sink = new SlowSink(2 ** 16);
  const writer = new PatientWriter(sink);
  const mebibyte = "x".repeat(2 ** 20);
  for (let n = 0; n < 20; n++) writer.write(mebibyte);
  writer.write("end");
  sink.open();
  await writer.flush(60_000);
  assertEquals(sink.text.length, 16 * 2 ** 20);
});

Deno.test("PatientWriter: drops what nobody can read any more", async () => {
  let calls = 0;
  const writer = new PatientWriter({
    write() {
      calls++;
      return Promise.reject(new Deno.errors.BrokenPipe("gone"));
    },
  });
  writer.write("lost");
  writer.write("lost too");
  await writer.flush(60_000);
  writer.write("and this");
  await writer.flush(60_000);
  assertEquals(calls, 1);
});

Deno.test("isJournal: only the very stream that systemd named", async () => {
  const path = await Deno.makeTempFile();
  const { dev, ino } = await Deno.stat(path);
  assertEquals(isJournal(`${dev}:${ino}`, path), true);
  assertEquals(isJournal(`${dev}:${ino}1`, path), false);
  assertEquals(isJournal(undefined, path), false);
  await Deno.remove(path);
  assertEquals(isJournal(`${dev}:${ino}`, path), false);
});
