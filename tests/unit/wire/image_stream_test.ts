import { assertEquals } from "@std/assert";
import { encodeImageFrame } from "../../../src/wire/image_frames.ts";
import { type ImageSink, receiveImages, sendImages } from "../../../src/wire/mod.ts";
import { failure } from "./errors.ts";
import { memoryPair, playback } from "./memory_stream.ts";

const limits = { maxImages: 10, maxTotalBytes: 2_000_000 };

/** Keeps files in memory and counts how each sink ended. */
function memoryFiles() {
  const files = new Map<string, number[]>();
  const ends: string[] = [];
  const openFile = (name: string): ImageSink => {
    const content: number[] = [];
    return {
      write(chunk) {
        for (const byte of chunk) content.push(byte);
        return Promise.resolve();
      },
      close() {
        files.set(name, content);
        ends.push(`close ${name}`);
        return Promise.resolve();
      },
      abort() {
        ends.push(`abort ${name}`);
        return Promise.resolve();
      },
    };
  };
  return { files, ends, openFile };
}

async function* content(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

async function* all<T>(...items: T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}

/** What `sendImages` would put on the wire for one file, with `bad` put in. */
async function recorded(name: string, data: Uint8Array): Promise<Uint8Array> {
  const [a] = memoryPair();
  await sendImages(a, all({ name, size: data.length, content: content(data) }));
  return Uint8Array.from(a.written);
}

function framed(payload: Uint8Array): number[] {
  return [0, 0, payload.length >> 8, payload.length & 0xff, ...payload];
}

Deno.test("sendImages, receiveImages: every file arrives whole, with equal totals on both sides", async () => {
  const [a, b] = memoryPair();
  const large = Uint8Array.from({ length: 600_000 }, (_, i) => i % 253);
  const { files, ends, openFile } = memoryFiles();
  const [sent, received] = await Promise.all([
    sendImages(
      a,
      all(
        { name: "core-1.img", size: 3, content: content(large.slice(0, 1), large.slice(1, 3)) },
        { name: "empty.img", size: 0, content: content() },
        { name: "pages-1.img", size: large.length, content: content(large) },
      ),
    ),
    receiveImages(b, { openFile, limits }),
  ]);
  assertEquals(sent, { imageCount: 3, imageBytes: 600_003 });
  assertEquals(received, sent);
  assertEquals(files.get("core-1.img"), [0, 1, 2]);
  assertEquals(files.get("empty.img"), []);
  assertEquals(Uint8Array.from(files.get("pages-1.img") ?? []), large);
  assertEquals(ends, ["close core-1.img", "close empty.img", "close pages-1.img"]);
});

Deno.test("receiveImages: leaves what follows the end frame on the stream", async () => {
  const [a, b] = memoryPair();
  await sendImages(a, all());
  await a.write(Uint8Array.of(42));
  await receiveImages(b, { openFile: memoryFiles().openFile, limits });
  const buffer = new Uint8Array(9);
  assertEquals([await b.read(buffer), buffer[0]], [1, 42]);
});

Deno.test("receiveImages: a changed byte of content or digest drops the file", async () => {
  const good = await recorded("a.img", Uint8Array.of(1, 2, 3));
  const contentAt = good.length - 32 - 3 - framed(encodeImageFrame({ type: "end", imageCount: 1 }))
    .length;
  for (const at of [contentAt, contentAt + 2, contentAt + 3, contentAt + 34]) {
    const bytes = Uint8Array.from(good);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    const { files, ends, openFile } = memoryFiles();
    await failure("protocol", receiveImages(playback(bytes), { openFile, limits }));
    assertEquals([files.size, ends], [0, ["abort a.img"]]);
  }
});

Deno.test("receiveImages: a stream cut anywhere fails, and no file is left half-way", async () => {
  const good = await recorded("a.img", Uint8Array.of(1, 2, 3));
  for (let length = 0; length < good.length; length++) {
    const { ends, openFile } = memoryFiles();
    const cut = receiveImages(playback(good.subarray(0, length), 7), { openFile, limits });
    await failure("protocol", cut);
    assertEquals(ends.length <= 1, true);
  }
});

Deno.test("receiveImages: limits hold before a file is opened", async () => {
  const header = (name: string, size: number) =>
    framed(encodeImageFrame({ type: "image", name, size }));
  const huge = Uint8Array.from(header("a.img", 2_000_001));
  const beyond = Uint8Array.from(header("a.img", Number.MAX_SAFE_INTEGER));
  for (const bytes of [huge, beyond]) {
    const { ends, openFile } = memoryFiles();
    await failure("protocol", receiveImages(playback(bytes), { openFile, limits }));
    assertEquals(ends, []);
  }
  const [a, b] = memoryPair();
  const files = Array.from(
    { length: 11 },
    (_, i) => ({ name: `${i}`, size: 0, content: content() }),
  );
  await sendImages(a, all(...files));
  const { ends, openFile } = memoryFiles();
  await failure("protocol", receiveImages(b, { openFile, limits }));
  assertEquals(ends.length, 10);
});

Deno.test("receiveImages: a name that is bad or comes twice and a wrong count are refused", async () => {
  const twice = [...await recorded("a.img", Uint8Array.of(1))];
  const endFrame = framed(encodeImageFrame({ type: "end", imageCount: 1 }));
  const one = twice.slice(0, twice.length - endFrame.length);
  const wrongEnd = framed(encodeImageFrame({ type: "end", imageCount: 2 }));
  const slash = framed(encodeImageFrame({ type: "image", name: "../a", size: 0 }));
  for (const bytes of [[...one, ...one], [...one, ...wrongEnd], slash, endFrame]) {
    const stream = playback(Uint8Array.from(bytes));
    await failure("protocol", receiveImages(stream, { openFile: memoryFiles().openFile, limits }));
  }
});

Deno.test("receiveImages: a sink that fails is aborted and its error goes on", async () => {
  const bytes = await recorded("a.img", Uint8Array.of(1));
  const ends: string[] = [];
  const openFile = (): ImageSink => ({
    write: () => Promise.reject(new RangeError("disk full")),
    close: () => Promise.resolve(void ends.push("close")),
    abort: () => Promise.resolve(void ends.push("abort")),
  });
  const error: unknown = await receiveImages(playback(bytes), { openFile, limits })
    .catch((error) => error);
  assertEquals(error instanceof RangeError, true);
  assertEquals(ends, ["abort"]);
});

Deno.test("sendImages: a content that is not as long as its size fails", async () => {
  for (const size of [2, 4]) {
    const [a] = memoryPair();
    const image = { name: "a.img", size, content: content(Uint8Array.of(1, 2, 3)) };
    await failure("internal", sendImages(a, all(image)));
  }
});

Deno.test("sendImages: a bad name is not sent", async () => {
  const [a] = memoryPair();
  await failure("protocol", sendImages(a, all({ name: "a/b", size: 0, content: content() })));
  assertEquals(a.written, []);
});
