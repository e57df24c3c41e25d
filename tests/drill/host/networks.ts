/** What a ground on this host has besides the two hosts of the integration tests. */

import { run } from "../../../tools/process.ts";
import type { Host } from "../../integration/host/host.ts";
import type { Side } from "../../integration/host/world.ts";

/** Address of the witness on its network. */
export const WITNESS_ADDRESS = "10.78.0.254";
/** Addresses of both hosts on the witness's network. */
export const ON_WITNESS_NETWORK = { alpha: "10.78.0.1", beta: "10.78.0.2" } as const;

/** Small enough to be filled in no time. */
const DISKS = { state: "4m", work: "96m" } as const;

const BRIDGE = `ip link add outside type bridge && ip link set outside up &&
ip address add ${WITNESS_ADDRESS}/24 dev outside`;

/** Makes a bridge in the witness's network, and a device of each host on it. */
export async function joinWitness(outside: Host, hosts: readonly Host[]): Promise<void> {
  await outside.run("bash", "-c", BRIDGE);
  for (const host of hosts) {
    const end = `to-${host.name}`;
    const pair = ["link", "add", "witness", "type", "veth", "peer", "name", end];
    const args = ["--target", String(host.initPid), "--net", "--", "ip", ...pair];
    const made = await run("nsenter", [...args, "netns", String(outside.initPid)]);
    if (made.code !== 0) throw new Error(`Cannot reach the witness: ${made.stderr}`);
    await outside.run("ip", "link", "set", end, "master", "outside", "up");
    const address = ON_WITNESS_NETWORK[host.name === "alpha" ? "alpha" : "beta"];
    await host.run("ip", "address", "add", `${address}/24`, "dev", "witness");
    await host.run("ip", "link", "set", "witness", "up");
  }
}

/** Gives phaul's directories disks of their own, so that filling one hurts nobody else. */
export async function mountDisks({ host, stateDir, workDir }: Side): Promise<void> {
  for (const [path, size] of [[stateDir, DISKS.state], [workDir, DISKS.work]] as const) {
    await host.run("mkdir", "-m", "700", path);
    await host.run("mount", "-t", "tmpfs", "-o", `size=${size},mode=700`, "tmpfs", path);
  }
}
