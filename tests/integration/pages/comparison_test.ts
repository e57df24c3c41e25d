/** What the page cache makes of CRIU's page stream, page by page beside what CRIU's page server makes of it. */

import { assert } from "@std/assert";
import { CriuPageServer, CriuSession, openPageChannel } from "../../../src/criu/mod.ts";
import { hostCriu } from "../../../tools/host_criu.ts";
import { copyImages, relay, TestDir } from "../criu/fixture.ts";
import { compareIterations } from "./images.ts";
import { MemoryTree } from "./memory.ts";

/** Before and after CRIU 4.2 changed the protocol and the images; on this host, which may track no memory. */
for (const suite of ["trixie", "sid"]) {
  Deno.test(`PageCache: has every page that the page server of ${suite}'s CRIU has`, async () => {
    const criu = await hostCriu({ suite });
    using dir = new TestDir();
    const [sent, served] = [dir.sub("sent"), dir.sub("served")];
    const stream = await dumpInto(served, criu, dir, sent);
    copyImages(sent, served);
    const kinds = await compareIterations([{ stream, served }], dir.sub("cached"));
    // A task for each process, anonymous shared memory and a memfd.
    assert(kinds >= 4, `only ${kinds}`);
  });
}

/** Dumps a tree with every kind of memory through a page server of CRIU's; returns what was sent to it. */
async function dumpInto(
  served: string,
  criu: string,
  dir: TestDir,
  sent: string,
): Promise<Uint8Array> {
  using tree = await MemoryTree.start(dir.sub("tree"));
  using source = await openPageChannel(dir.sub("source"));
  using destination = await openPageChannel(dir.sub("destination"));
  const server = new CriuPageServer(criu, destination.criuEnd);
  await server.begin({ imagesDir: served });
  const chunks: Uint8Array[] = [];
  const relayed = relay(source, destination, (chunk) => chunks.push(chunk.slice()));
  await using session = CriuSession.start(criu, { inherit: [source.criuEnd] });
  const options = { pid: tree.pid, imagesDir: sent, pageServerFd: source.criuEnd };
  await session.dump(options, async ({ name }) => {
    if (name === "post-dump") await server.end();
  });
  source.shutdown();
  destination.shutdown();
  await relayed;
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}
