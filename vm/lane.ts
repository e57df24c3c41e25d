/**
 * The single-guest lane: one guest, and in it two hosts as network, pid, mount, uts and ipc
 * namespaces. For everything that needs dirty tracking but not two machines: one boot, a fast link.
 */

import type { AgentAddress } from "./agent.ts";
import { bootGuest, type Guest } from "./guest.ts";
import { Host } from "./host.ts";
import { type Link, type Pair, type PairOptions, prepareGround } from "./pair.ts";
import { progress } from "./progress.ts";
import { AGENT_PORTS } from "./qemu.ts";
import { Witness } from "./witness.ts";

const NAMES = ["alpha", "beta"] as const;
const READY_MS = 60_000;

/** Boots the guest and makes the two hosts. Disposing the pair kills it and removes what it left. */
export async function bootLane(options: PairOptions = {}): Promise<Pair> {
  const { base, dir } = await prepareGround({ memoryMiB: 3072, ...options });
  await using onFailure = new AsyncDisposableStack();
  onFailure.use(dir);
  const addresses = { link: "10.1.0.254", witness: "10.9.0.253" };
  const guest = await bootGuest({ ...base, name: "lane", index: 1, words: [] }, addresses);
  onFailure.use(guest.machine);
  await guest.host.run(BRIDGES);
  const [alpha, beta] = await Promise.all(NAMES.map((_, n) => makeHost(guest, base.token, n)));
  if (!alpha || !beta) throw new Error("Cannot make two hosts");
  const witness = new Witness([{
    path: guest.machine.witnessPath,
    hosts: new Map([alpha, beta].map((host) => [host.witnessAddress, host.name])),
  }]);
  await witness.calibrate(0, (command) => alpha.run(command));
  progress(`lane up after ${(guest.bootMs / 1000).toFixed(1)} s (${base.accelerator})`);
  const owned = onFailure.move();
  return {
    ...{ kind: "lane", alpha, beta, witness, guests: [guest], dir: dir.path },
    accelerator: base.accelerator,
    link: laneLink(guest.host),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Below it both hosts see the same files, in memory. */
export const SHARED_DIR = "/mnt";

/** `lan` joins the hosts; `outside` leads through the guest's own device to QEMU's capture. */
const BRIDGES = `
set -e
mkdir -p ${SHARED_DIR}
mount -t tmpfs -o mode=700,size=80% shared ${SHARED_DIR}
ip link add lan-bridge type bridge
ip link add outside type bridge
ip link set witness master outside
ip link set lan-bridge up
ip link set outside up`;

async function makeHost(guest: Guest, token: string, n: number): Promise<Host> {
  const name = NAMES[n] ?? "";
  const index = n + 1;
  const command = `/lab/agent host ${name} ${AGENT_PORTS[index]} ${token} /lab/host-setup`;
  const agent = await guest.host.start(command, `${name}-namespaces`);
  const line = await agent.stdout.line(/^pid \d+$/, READY_MS);
  const pid = Number(line.slice(4));
  await agent.stdout.line(/^ready$/, READY_MS);
  const address = `10.1.0.${index}`;
  const witnessAddress = `10.9.0.${index}`;
  await guest.host.run(join(name, pid, address, witnessAddress));
  return new Host({
    name,
    address,
    witnessAddress,
    init: pid,
    agent: hostAgent(guest, index),
    kill: async () => {
      await guest.host.run(`kill -9 ${pid}`, { mayFail: true });
      await agent.ended;
    },
  });
}

function hostAgent(guest: Guest, index: number): AgentAddress {
  const address = guest.agents[index];
  if (!address) throw new Error(`Cannot reach agent ${index} of the lane`);
  return address;
}

/** Gives the namespaces of `pid` a device on each bridge. */
function join(name: string, pid: number, address: string, witnessAddress: string): string {
  const inside = (line: string) => `nsenter -t ${pid} -n -u ${line}`;
  return `
set -e
ip link add ${name}-lan type veth peer name lan netns ${pid}
ip link add ${name}-wit type veth peer name witness netns ${pid}
ip link set ${name}-lan master lan-bridge up
ip link set ${name}-wit master outside up
${inside(`ip addr add ${address}/24 dev lan`)}
${inside(`ip addr add ${witnessAddress}/24 dev witness`)}
${inside("ip link set lan up")}
${inside("ip link set witness up")}
${inside("ip neigh add 10.9.0.254 lladdr 02:00:00:00:09:fe dev witness nud permanent")}`;
}

/** The bridge's ends go down, as a cable pulled; a host that was killed has none. */
function laneLink(guest: Host): Link {
  const set = async (state: "up" | "down") => {
    const each = NAMES.map((name) =>
      `[ ! -e /sys/class/net/${name}-lan ] || ` +
      `ip link set ${name}-lan ${state}`
    );
    await guest.run(["set -e", ...each].join("\n"));
  };
  return { cut: () => set("down"), mend: () => set("up") };
}
