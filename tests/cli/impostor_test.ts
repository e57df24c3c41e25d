import { assertEquals, assertStringIncludes } from "@std/assert";
import { hostCriu } from "../../tools/host_criu.ts";
import { formatToken } from "../../src/wire/mod.ts";
import { makeAuthority } from "../unit/wire/authority.ts";
import { testIdentity } from "../unit/wire/loopback.ts";
import { runPhaul, sleeper, tempDir } from "./binary.ts";

Deno.test({
  name: "phaul migrate: a certificate of its name, from a CA that it trusts, is an impostor's",
  ignore: Deno.uid() !== 0,
}, async () => {
  await using dir = await tempDir();
  await using victim = await sleeper();
  const { caPem, certPem, keyPem } = await makeAuthority();
  const ca = `${dir.path}/ca.pem`;
  const tokenFile = `${dir.path}/token`;
  await Deno.writeTextFile(ca, caPem);
  await Deno.writeTextFile(tokenFile, `${formatToken((await testIdentity()).token)}\n`, {
    mode: 0o600,
  });
  let handshakes = 0;
  const heard: number[] = [];
  using listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert: certPem, key: keyPem });
  const { port } = listener.addr;
  const hearing = (async () => {
    const connection = await listener.accept();
    const buffer = new Uint8Array(1000);
    try {
      await connection.handshake();
      handshakes++;
      for (let n; (n = await connection.read(buffer)) !== null;) {
        heard.push(...buffer.subarray(0, n));
      }
    } catch {
      // One who refuses the certificate may end the connection with an alert.
    }
    connection.close();
  })();
  const args = ["--pid", String(victim.pid), "--peer", `127.0.0.1:${port}`];
  const folders = ["--work-dir", `${dir.path}/work`, "--state-dir", `${dir.path}/state`];
  const { code, stderr } = await runPhaul(
    ["migrate", ...args, ...folders, "--token-file", tokenFile, "--criu", await hostCriu()],
    { env: { DENO_CERT: ca } },
  );
  assertEquals(code, 44, stderr);
  assertStringIncludes(stderr, `\nProcess ${victim.pid} is on this host`);
  await hearing;
  // The channel stood: what kept the program silent is the pin alone.
  assertEquals([handshakes, heard], [1, []]);
});
