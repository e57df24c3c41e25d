/**
 * Run as `deno run dial_child.ts PORT TOKEN`: dials and says on standard output how it went.
 * With TOKEN "trust-store" it says instead whether this process's trust store accepts the server.
 */

import { asPhaulError } from "../../../src/errors.ts";
import { dial, parseToken } from "../../../src/wire/mod.ts";

const [port = "", token = ""] = Deno.args;

async function outcome(): Promise<string> {
  try {
    if (token === "trust-store") {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
      const secured = await Deno.startTls(connection, { hostname: "phaul" });
      await secured.handshake();
      secured.close();
      return "accepted";
    }
    const security = { kind: "tls", token: parseToken(token) } as const;
    const bounds = { timeoutMs: 20_000, keepaliveMs: 1000 };
    (await dial({ host: "127.0.0.1", port: Number(port) }, security, bounds)).close();
    return "accepted";
  } catch (error) {
    return asPhaulError(error).code;
  }
}

console.log(await outcome());
Deno.exit();
