import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  CriuPageServer,
  CriuSession,
  openPageChannel,
  type PageRun,
  type PageStreamListener,
  PageStreamParser,
} from "../../../src/criu/mod.ts";
import { Counter, criuPath, relay, stateOf, TestDir } from "./fixture.ts";

/** A run, and the task whose memory it is. */
type TaskRun = PageRun & { readonly pid: number };

/** Hears of the runs of one stream. */
function listen(runs: TaskRun[]): PageStreamListener {
  let pid = 0;
  return {
    opened: ({ id }) => void (pid = id),
    asked() {},
    run: (run) => void runs.push({ ...run, pid }),
    contents() {},
    closed() {},
  };
}

/** How many of the pages can be read in their task. */
function readable(runs: readonly TaskRun[]): number {
  let pages = 0;
  for (const { pid, page, count } of runs) {
    using memory = Deno.openSync(`/proc/${pid}/mem`);
    memory.seekSync(page * 4096, Deno.SeekMode.Start);
    const bytes = new Uint8Array(count * 4096);
    if (memory.readSync(bytes) === bytes.length) pages += count;
  }
  return pages;
}

/** It is in no image. */
function stays({ lazy, present }: PageRun): boolean {
  return lazy && !present;
}

Deno.test("dump with lazyPages: tells of the pages that stay in the tree, which holds them", async () => {
  using dir = new TestDir();
  using victim = new Counter(dir.sub("victim"));
  await victim.counts();
  const here = dir.sub("here");
  using source = await openPageChannel(dir.sub("source"));
  using destination = await openPageChannel(dir.sub("destination"));
  const server = new CriuPageServer(criuPath, destination.criuEnd);
  await server.begin({ imagesDir: dir.sub("there") });
  const runs: TaskRun[] = [];
  const parser = new PageStreamParser(4096, listen(runs));
  const relayed = relay(source, destination, (chunk) => parser.feed(chunk));
  await using session = CriuSession.start(criuPath, { inherit: [source.criuEnd] });
  const options = { pid: victim.pid, imagesDir: here, pageServerFd: source.criuEnd };
  let inTasks = 0;
  const dumped = session.dump({ ...options, lazyPages: true }, async ({ name }) => {
    if (name !== "post-dump") return;
    await server.end();
    assertEquals(stateOf(victim.pid), "t");
    inTasks = readable(runs.filter(stays));
    throw new Error("not this time");
  });
  await assertRejects(() => dumped);
  source.shutdown();
  destination.shutdown();
  await relayed;
  const pages = runs.filter(stays).reduce((sum, { count }) => sum + count, 0);
  assert(pages > parser.pages, `${pages} stayed, ${parser.pages} came`);
  assertEquals(inTasks, pages);
  // Refused, it runs on, though CRIU then tries to serve the pages.
  await victim.counts();
});
