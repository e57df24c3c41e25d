import { assertEquals } from "@std/assert";
import { asPhaulError } from "../../../src/errors.ts";
import { formatToken } from "../../../src/wire/mod.ts";
import { makeAuthority } from "./authority.ts";
import { failure } from "./errors.ts";
import { showCertificate } from "./keyless_server.ts";
import { dialLoopback, newIdentity, testIdentity } from "./loopback.ts";

const host = "127.0.0.1";

/** A TLS server that completes handshakes and keeps what it then read. */
function tlsServer(cert: string, key: string) {
  const listener = Deno.listenTls({ hostname: host, port: 0, cert, key });
  const received: number[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      const buffer = new Uint8Array(1000);
      try {
        for (let count; (count = await connection.read(buffer)) !== null;) {
          received.push(...buffer.subarray(0, count));
        }
      } catch {
        // A client that refuses the certificate says so with an alert.
      }
      connection.close();
    }
  })();
  return {
    port: listener.addr.port,
    received,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
    },
  };
}

async function dialInChild(caPem: string, port: number, token: string): Promise<string> {
  const caFile = await Deno.makeTempFile();
  await Deno.writeTextFile(caFile, caPem);
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--cert", caFile, `${import.meta.dirname}/dial_child.ts`, `${port}`, token],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  });
  const { stdout, stderr } = await command.output();
  await Deno.remove(caFile);
  const said = new TextDecoder().decode(stdout).trim();
  return said || new TextDecoder().decode(stderr);
}

Deno.test("dial: a certificate for the same name from a trusted CA is an impostor's", async () => {
  const { token } = await testIdentity();
  const { caPem, certPem, keyPem } = await makeAuthority();
  await using server = tlsServer(certPem, keyPem);
  // Else the refusal would prove nothing: ordinary TLS lets this server pass.
  assertEquals(await dialInChild(caPem, server.port, "trust-store"), "accepted");
  assertEquals(await dialInChild(caPem, server.port, formatToken(token)), "impostor");
  assertEquals(server.received, []);
});

Deno.test("dial: another self-signed certificate is an impostor's, and is sent nothing", async () => {
  const [own, other] = [await testIdentity(), await newIdentity()];
  await using server = tlsServer(other.certPem, other.keyPem);
  const dialled = dialLoopback({ host, port: server.port }, { kind: "tls", token: own.token });
  const error = await failure("impostor", dialled);
  assertEquals(error.remedy?.includes("join-token"), true);
  assertEquals(server.received, []);
});

Deno.test("dial: the pinned certificate without its key is an impostor's", async () => {
  const [own, other] = [await testIdentity(), await newIdentity()];
  const { token } = own;
  const listener = Deno.listen({ hostname: host, port: 0 });
  const address = { host, port: listener.addr.port };
  const against = async (keyPem: string) => {
    const dialled = dialLoopback(address, { kind: "tls", token }).catch(asPhaulError);
    using connection = await listener.accept();
    const record = await showCertificate(connection, token.certificate, keyPem);
    connection.closeWrite().catch(() => {});
    const outcome = await dialled;
    return { record, code: outcome instanceof Error ? outcome.code : "accepted" };
  };
  // Signed with the right key the client goes on (22): the server made by hand is good up to there.
  assertEquals((await against(own.keyPem)).record, 22);
  assertEquals(await against(other.keyPem), { record: 21, code: "impostor" });
  listener.close();
});
