import { assertEquals } from "@std/assert";
import { dial, listen, openControl } from "../../../src/wire/mod.ts";
import { failure } from "./errors.ts";
import { closeAccepted, dialLoopback, securityOf, serveLoopback } from "./loopback.ts";

const bounds = { deadlineMs: 10_000, peerTimeoutMs: 60_000 };
const insecure = { kind: "insecure" } as const;

/** A TCP server that does `act` with each connection. */
function rawServer(act: (connection: Deno.TcpConn) => Promise<void>) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.TcpConn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      connections.push(connection);
      await act(connection).catch(() => {});
    }
  })();
  return {
    address: { host: "127.0.0.1", port: listener.addr.port },
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      for (const connection of connections) {
        try {
          connection.close();
        } catch {
          // The test closed it itself.
        }
      }
    },
  };
}

for (const kind of ["tls", "insecure"] as const) {
  Deno.test(`dial: a port where nobody listens is unreachable, over ${kind}`, async () => {
    const { client, server } = await securityOf(kind);
    const listener = await listen({ host: "127.0.0.1", port: 0 }, server);
    listener.close();
    assertEquals(await listener.accept(), null);
    const error = await failure("peer-unreachable", dialLoopback(listener.address, client));
    assertEquals(error.message.includes(`127.0.0.1:${listener.address.port}`), true);
    assertEquals(error.remedy?.includes("phaul serve"), true);
  });

  Deno.test(`dial: a name that does not exist is unreachable, over ${kind}`, async () => {
    const { client } = await securityOf(kind);
    const address = { host: "no-such-host.invalid", port: 7284 };
    await failure("peer-unreachable", dialLoopback(address, client));
  });

  Deno.test(`dial: an aborted signal cancels, over ${kind}`, async () => {
    const { client, server } = await securityOf(kind);
    await using loopback = await serveLoopback(server);
    const options = { timeoutMs: 10_000, keepaliveMs: 10_000, signal: AbortSignal.abort() };
    await failure("cancelled", dial(loopback.address, client, options));
  });

  Deno.test(`dial: localhost is found whichever family listens, over ${kind}`, async () => {
    const { client, server } = await securityOf(kind);
    await using loopback = await serveLoopback(server);
    const address = { host: "localhost", port: loopback.address.port };
    const link = await openControl(await dialLoopback(address, client), client, bounds);
    closeAccepted(await loopback.next());
    link.close();
  });
}

// The runtime lets go of a handshake that was given up only some time after its peer ended it.
const sanitizeResources = false;

Deno.test("dial: a server that never answers the handshake meets the deadline", {
  sanitizeResources,
}, async () => {
  const { client } = await securityOf("tls");
  await using server = rawServer(() => Promise.resolve());
  const options = { timeoutMs: 200, keepaliveMs: 1000 };
  const error = await failure("peer-unreachable", dial(server.address, client, options));
  assertEquals(error.message.includes("200 ms"), true);
});

Deno.test("dial: cancelling in the middle of a handshake ends it", {
  sanitizeResources,
}, async () => {
  const { client } = await securityOf("tls");
  const controller = new AbortController();
  await using server = rawServer(async (connection) => {
    await connection.read(new Uint8Array(1));
    controller.abort();
  });
  const options = { timeoutMs: 60_000, keepaliveMs: 1000, signal: controller.signal };
  await failure("cancelled", dial(server.address, client, options));
});

Deno.test("dial: a peer that hangs up in the handshake is unreachable", async () => {
  const { client } = await securityOf("tls");
  await using server = rawServer(async (connection) => {
    await connection.read(new Uint8Array(1000));
    connection.close();
  });
  await failure("peer-unreachable", dialLoopback(server.address, client));
});

Deno.test("dial: something else than TLS is named, with the remedy", async () => {
  const { client } = await securityOf("tls");
  await using server = rawServer(async (connection) => {
    await connection.read(new Uint8Array(1000));
    await connection.write(new TextEncoder().encode("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"));
  });
  const error = await failure("protocol", dialLoopback(server.address, client));
  assertEquals(error.remedy?.includes("--insecure"), true);
});

Deno.test("dial: a TLS source and an insecure destination tell each other apart", async () => {
  const { client } = await securityOf("tls");
  await using loopback = await serveLoopback(insecure);
  const error = await failure("protocol", dialLoopback(loopback.address, client));
  assertEquals(error.remedy?.includes("--insecure"), true);
  const refused = await loopback.next();
  if (!(refused instanceof Error)) throw new Error("it was let in");
  assertEquals([refused.code, refused.remedy?.includes("--insecure")], ["protocol", true]);
});

Deno.test("dial: an insecure source and a TLS destination tell each other apart", async () => {
  const { server } = await securityOf("tls");
  await using loopback = await serveLoopback(server);
  const stream = await dialLoopback(loopback.address, insecure);
  const error = await failure("protocol", openControl(stream, insecure, bounds));
  assertEquals([error.message.includes("TLS"), error.remedy?.includes("--insecure")], [true, true]);
  const refused = await loopback.next();
  if (!(refused instanceof Error)) throw new Error("it was let in");
  assertEquals([refused.code, refused.remedy?.includes("--insecure")], ["protocol", true]);
});

Deno.test("listen: a port in use is named, with the remedy", async () => {
  const { server } = await securityOf("tls");
  for (const security of [server, insecure]) {
    const first = await listen({ host: "127.0.0.1", port: 0 }, security);
    const error = await failure("port-in-use", listen(first.address, security));
    assertEquals(error.message.includes(`127.0.0.1:${first.address.port}`), true);
    first.close();
    first.close();
  }
});

Deno.test("listen: an address that is not this host's is refused", async () => {
  await failure("usage", listen({ host: "192.0.2.1", port: 0 }, insecure));
});
