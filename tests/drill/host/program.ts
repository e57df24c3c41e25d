/** A program on a host that may be stopped and killed without anybody else stopping with it. */

import type { Host, Started } from "../../integration/host/host.ts";
import { appears } from "../../integration/host/waiting.ts";

/**
 * An nsenter stops when its child does, and continues the child when it is continued itself. So what
 * the drill stops runs below a shell, which takes no notice of stops.
 */
const KEEPER = `path=$0; "$@" & echo $! >"$path.new"; mv "$path.new" "$path"; wait $!`;

let count = 0;

/** Starts a command; `pid` of what is returned is the command's own. */
export async function startKept(
  host: Host,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Started> {
  const path = `${host.dir}/kept-${++count}`;
  const pairs = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const whole = ["bash", "-c", KEEPER, path, "env", ...pairs, ...command];
  const shell = await host.start(whole);
  return { ...shell, pid: Number(await appears(path)) };
}
