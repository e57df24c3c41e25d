/** What is kept of a scenario that failed: enough to understand it without running it again. */

import { repositoryPath } from "./cache.ts";
import type { Host } from "./host.ts";
import type { Pair } from "./pair.ts";

const COLLECT_TIMEOUT_MS = 60_000;

/** Logs below these are taken, in so far as a host has them; images are left where they are. */
const COLLECT = `
cd /
find dev/shm tmp run root var/lib/phaul -xdev -type f \\( -name '*.log' -o -name '*.txt' \\
  -o -name log -o -name 'stats-*' \\) -size -20M 2>/dev/null | tar cf - -T - 2>/dev/null`;

const STATE = "date -u; uname -a; ip addr; ip route; ps axo pid,ppid,stat,args; " +
  "mount; df -h; ls -lR /dev/shm /var/lib/phaul 2>/dev/null; ss -tanp 2>/dev/null; dmesg | tail -50";

/**
 * Copies consoles, captures, command output, CRIU's and phaul's logs and the state of both hosts
 * into build/artifacts/NAME, emptied before, and returns that folder. A dead host gives only what it
 * had said before.
 */
export async function keepArtifacts(pair: Pair, name: string): Promise<string> {
  const folder = repositoryPath(`build/artifacts/${name.replaceAll(/[^A-Za-z0-9._-]+/g, "-")}`);
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.mkdir(folder, { recursive: true });
  for await (const entry of Deno.readDir(pair.dir)) {
    if (!/\.(log|pcap)$/.test(entry.name)) continue;
    await Deno.copyFile(`${pair.dir}/${entry.name}`, `${folder}/${entry.name}`);
  }
  const hosts = new Set([...pair.guests.map((guest) => guest.host), pair.alpha, pair.beta]);
  await Promise.all([...hosts].map((host) => keepHost(host, `${folder}/${host.name}`)));
  return folder;
}

async function keepHost(host: Host, folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, text] of host.logs()) {
    await Deno.writeTextFile(`${folder}/${name}.output.txt`, text);
  }
  try {
    const options = { timeoutMs: COLLECT_TIMEOUT_MS, mayFail: true };
    await Deno.writeTextFile(`${folder}/state.txt`, (await host.run(STATE, options)).stdout);
    await host.run(`${COLLECT.replace("tar cf -", "tar cf /tmp/artifacts.tar")}`, options);
    await Deno.writeFile(`${folder}/logs.tar`, await host.readFile("/tmp/artifacts.tar"));
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    await Deno.writeTextFile(`${folder}/unreachable.txt`, `${text}\n`);
  }
}
