import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  acknowledgedBytes,
  connectTcp,
  loadLibc,
  pushTcp,
  shutdownSocket,
  writeAll,
} from "../../../src/sys/mod.ts";
import { fdFlags, O_CLOEXEC, O_NONBLOCK } from "./helpers.ts";

loadLibc();

const BOUNDS = { silentMs: 10_000 };

for (const host of ["127.0.0.1", "::1"]) {
  Deno.test(`connectTcp: a blocking end for a child, connected to ${host}`, async () => {
    using listener = Deno.listen({ hostname: host, port: 0 });
    const accepting = listener.accept();
    using socket = await connectTcp({ host, port: listener.addr.port }, BOUNDS);
    using conn = await accepting;
    const flags = fdFlags(socket.raw);
    assert((flags & O_CLOEXEC) !== 0 && (flags & O_NONBLOCK) === 0);
    const bytes = Uint8Array.of(1, 2, 3);
    writeAll(socket, bytes);
    pushTcp(socket);
    const into = new Uint8Array(8);
    assertEquals([await conn.read(into), into.slice(0, 3)], [3, bytes]);
    for (let look = 0; acknowledgedBytes(socket) < 4 && look < 1000; look++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assertEquals(acknowledgedBytes(socket), 4);
    shutdownSocket(socket, "both");
    assertEquals(await conn.read(into), null);
  });
}

Deno.test("connectTcp: a port where nobody listens is an error", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await assertRejects(() => connectTcp({ host: "127.0.0.1", port }, BOUNDS), Error, "ECONNREFUSED");
});

Deno.test("connectTcp: a name is no address", async () => {
  await assertRejects(
    () => connectTcp({ host: "localhost", port: 1 }, BOUNDS),
    TypeError,
    "no IP address",
  );
});
