/**
 * The `phaul serve` of this host, as other commands of it find and reach it.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { FileLock } from "../proc/mod.ts";
import { tokenFileName } from "../wire/mod.ts";
import type { HostAddress, Timeouts } from "./options.ts";
import { Peer } from "./peer.ts";

/** Where it listens, and how it is reached. */
export interface ServeAddress {
  readonly listen: HostAddress;
  readonly insecure: boolean;
}

/**
 * Tells other commands where this one listens, until it is disposed of.
 *
 * @throws PhaulError `busy` when another phaul serve uses the state directory
 */
export async function announceServe(
  stateDir: string,
  address: ServeAddress,
): Promise<AsyncDisposable> {
  const path = pathIn(stateDir);
  (await Deno.open(path, { append: true, create: true, mode: 0o600 })).close();
  const lock = FileLock.take(path);
  if (!lock) {
    throw new PhaulError("busy", `Cannot serve: another phaul serve uses "${stateDir}"`, {
      remedy: "End it, or name another --state-dir",
    });
  }
  await Deno.writeTextFile(path, `${JSON.stringify(address)}\n`);
  return {
    async [Symbol.asyncDispose]() {
      await Deno.remove(path).catch(() => {});
      lock[Symbol.dispose]();
    },
  };
}

/**
 * Connects to the phaul serve that uses `stateDir`. The caller owns the peer.
 *
 * @throws PhaulError `peer-unreachable` when none runs
 */
export async function connectToServe(stateDir: string, timeouts: Timeouts): Promise<Peer> {
  const address = await readAddress(stateDir);
  if (!address) {
    throw new PhaulError("peer-unreachable", "Cannot reach phaul serve on this host: none runs", {
      remedy: "Start it, or name its --state-dir",
    });
  }
  const { listen, insecure } = address;
  return await Peer.connect({
    address: { host: reachable(listen.host), port: listen.port },
    tokenFile: `${stateDir}/${tokenFileName}`,
    ...{ insecure, timeouts },
  });
}

/**
 * In which states of the destination's table the phaul serve that uses `stateDir` has its migrations, by
 * their ids; empty when none answers.
 */
export async function statesInServe(
  stateDir: string,
  timeouts: Timeouts,
): Promise<ReadonlyMap<string, string>> {
  try {
    using serve = await connectToServe(stateDir, timeouts);
    const { standings } = await serve.request({ type: "inquire" });
    return new Map(standings.map(({ migrationId, state }) => [migrationId, state]));
  } catch {
    return new Map();
  }
}

function pathIn(stateDir: string): string {
  return `${stateDir}/serve.json`;
}

/** Who listens everywhere is reached over loopback. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}

async function readAddress(stateDir: string): Promise<ServeAddress | undefined> {
  try {
    const { listen, insecure } = JSON.parse(await Deno.readTextFile(pathIn(stateDir)));
    if (typeof listen?.host !== "string" || !Number.isSafeInteger(listen.port)) return undefined;
    return { listen: { host: listen.host, port: listen.port }, insecure: insecure === true };
  } catch {
    return undefined;
  }
}
