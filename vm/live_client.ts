/**
 * A client of the victim, in the single-guest lane: a third host on the link, a network namespace of its
 * own, that talks to the victim all the time over one connection which must not break.
 */

import type { Host } from "./host.ts";
import type { Pair } from "./pair.ts";

/** The address that the victim serves on; it moves with the victim. */
export const SERVICE = "10.1.0.100";
/** The port of the workload `tcpserver`. */
const SERVICE_PORT = 7100;
const NAMESPACE = "client";
const ADDRESS = "10.1.0.3";
/** For questions; in a namespace of its own it is free. */
const PORT = 7001;
const POLL_MS = 100;
const PATIENCE_MS = 90_000;

/** The client cannot go on, or heard an end of its connection. */
export class LiveClientError extends Error {
  override readonly name = "LiveClientError";
}

/** What the client says of itself. */
interface Status {
  /** Connected, and every number came back once and in order. */
  readonly ok: boolean;
  readonly received: number;
}

/** A `tcpclient` connected to {@linkcode SERVICE}. */
export class LiveClient implements AsyncDisposable {
  readonly #guest: Host;

  private constructor(guest: Host) {
    this.#guest = guest;
  }

  /** Connects to the service, which must be up on one of the hosts. */
  static async connect(pair: Pair): Promise<LiveClient> {
    const [guest] = pair.guests;
    if (pair.kind !== "lane" || !guest) throw new LiveClientError("A client needs the lane");
    await guest.host.run(NAMESPACE_SCRIPT);
    const client = new LiveClient(guest.host);
    await client.#inside(`nft -f - <<'END'\n${WATCH}END`);
    await client.#inside(`tcpclient --to ${SERVICE} --port ${PORT} --daemon`);
    await client.goesOn();
    return client;
  }

  /** Waits until many more numbers have come back: more than were under way. */
  async goesOn(): Promise<void> {
    const before = (await this.#status()).received;
    const endMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const status = await this.#status();
      if (!status.ok) throw new LiveClientError(`It is broken: ${JSON.stringify(status)}`);
      if (status.received > before + 100) return;
      if (performance.now() > endMs) {
        throw new LiveClientError(`It stands still: ${JSON.stringify(status)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Fails when a FIN or RST of the service ever reached it, whether it was believed or not. */
  async expectNoEnd(): Promise<void> {
    const { stdout } = await this.#inside("nft list table inet watch");
    const packets = /counter packets (\d+)/.exec(stdout)?.[1];
    if (packets !== "0") {
      throw new LiveClientError(`It heard ${packets} times of an end:\n${stdout}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#guest.run(
      `ip netns pids ${NAMESPACE} | xargs -r kill -9; ip netns del ${NAMESPACE}`,
    );
  }

  async #status(): Promise<Status> {
    const { stdout } = await this.#inside(`/lab/bin/ask ${PORT} verify`);
    return JSON.parse(stdout);
  }

  async #inside(command: string) {
    return await this.#guest.run(`ip netns exec ${NAMESPACE} ${command}`);
  }
}

/** Gives the service's address to `to`; the client is told where it lives now. */
export function takeAddress(): string {
  return `ip addr add ${SERVICE}/24 dev lan && arping -q -U -c 1 -I lan ${SERVICE}`;
}

/** Takes the service's address from the link. */
export function dropAddress(): string {
  return `ip addr del ${SERVICE}/24 dev lan`;
}

/**
 * As an operator sets the hosts up: the address is on alpha's device; beta has it, too, where nobody asks
 * for it, as a connection can only be restored where its address is.
 */
export async function placeService({ alpha, beta }: Pair): Promise<void> {
  await beta.run(
    `echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore; echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce; ` +
      `${dropAddress()}; ip addr replace ${SERVICE}/32 dev lo`,
    { mayFail: true },
  );
  await alpha.run(`ip addr replace ${SERVICE}/24 dev lan && arping -q -U -c 1 -I lan ${SERVICE}`);
}

/** Every rule of the packet filter on `host`, without times and counters. */
export async function packetRules(host: Host): Promise<string> {
  // At the first use of a table iptables makes its empty chains, and never takes them away.
  const first = ["iptables", "ip6tables"].flatMap((program) =>
    ["filter INPUT", "filter OUTPUT", "raw PREROUTING", "raw OUTPUT"].map((place) => {
      const [table, chain] = place.split(" ");
      return `for op in -A -D; do ${program} -t ${table} $op ${chain} -j ACCEPT; done`;
    })
  );
  const { stdout } = await host.run(
    `${first.join("; ")}; nft list ruleset; iptables-save; ip6tables-save`,
  );
  return stdout.replaceAll(/^#.*$/gm, "").replaceAll(/\[\d+:\d+\]/g, "");
}

const NAMESPACE_SCRIPT = `
set -e
ip netns add ${NAMESPACE}
ip link add ${NAMESPACE}-lan type veth peer name lan netns ${NAMESPACE}
ip link set ${NAMESPACE}-lan master lan-bridge up
ip -n ${NAMESPACE} addr add ${ADDRESS}/24 dev lan
ip -n ${NAMESPACE} link set lan up
ip -n ${NAMESPACE} link set lo up`;

/** Counts what says that the connection ends, before anything believes it. */
const WATCH = `
table inet watch {
  chain incoming {
    type filter hook prerouting priority raw;
    tcp sport ${SERVICE_PORT} tcp flags & (fin | rst) != 0 counter
  }
}
`;
