/**
 * A proxy inside the TLS: to the source it is the destination, for it has the destination's identity, and
 * to the destination it is a source, for it has the token. Proofs go through as they are: nothing ties
 * them to one TLS connection. It runs on the destination's host.
 *
 *   proxy.ts STATE_DIR PORT PLAN_FILE [UPSTREAM_PORT]
 *
 * PLAN_FILE holds a Plan as JSON, and may be written anew at any time; once it was carried out
 * PLAN_FILE.done holds its id.
 */

import { dial, listen, loadIdentity } from "../../src/wire/mod.ts";
import type { ByteStream } from "../../src/wire/mod.ts";
import { type Direction, type Plan, PlanKeeper } from "./plan.ts";
import { Relay } from "./relay.ts";

const DIAL = { timeoutMs: 10_000, keepaliveMs: 10_000 };

const [stateDir = "", port = "", planFile = "", upstreamPort = "7284"] = Deno.args;
const identity = await loadIdentity(stateDir);
const keeper = new PlanKeeper();
const listener = await listen({ host: "0.0.0.0", port: Number(port) }, { kind: "tls", identity });
console.log("listening");
for (let source = await listener.accept(); source; source = await listener.accept()) {
  void serve(source);
}

async function serve(source: ByteStream): Promise<void> {
  const upstream = { host: "127.0.0.1", port: Number(upstreamPort) };
  const security = { kind: "tls", token: identity.token } as const;
  try {
    await new Relay(source, await dial(upstream, security, DIAL), choose).run();
  } catch {
    // Nobody listens there: the source finds a door that closes at once.
    source.close();
  }
}

function choose(direction: Direction, message: string): Plan | undefined {
  keeper.load(readPlan());
  const plan = keeper.take(direction, message);
  if (plan) Deno.writeTextFileSync(`${planFile}.done`, plan.id);
  return plan;
}

function readPlan(): Plan | undefined {
  try {
    return JSON.parse(Deno.readTextFileSync(planFile));
  } catch {
    return undefined; // None yet, or half written.
  }
}
