/**
 * Counts the connections whose peer has proved nothing yet, and keeps them few.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";

/** A place inside, until it is disposed of: when the peer has proved itself, or when it is gone. */
export interface Place extends Disposable {
  /** Aborted, with a PhaulError, when the connection is shown out. */
  readonly signal: AbortSignal;
}

/**
 * Lets every connection in and, when there are too many, shows one out: the one that is there longest of
 * the host that has most. A flood crowds out itself, and a source of another host, which needs a moment
 * to prove itself, is left alone. To refuse newcomers instead would let the flood lock it out.
 */
export class Gate {
  readonly #maxUnproved: number;
  /** By host, in the order in which they came. */
  readonly #inside = new Map<string, Set<AbortController>>();
  #count = 0;

  /** @param maxUnproved How many may be inside at once. */
  constructor(maxUnproved: number) {
    this.#maxUnproved = maxUnproved;
  }

  /** How many are inside. */
  get count(): number {
    return this.#count;
  }

  /** Lets the connection of `peer`, as `host:port`, in. */
  enter(peer: string): Place {
    const host = networkOf(peer);
    const one = new AbortController();
    const beside = this.#inside.get(host) ?? new Set();
    this.#inside.set(host, beside.add(one));
    this.#count++;
    if (this.#count > this.#maxUnproved) this.#showOut();
    return { signal: one.signal, [Symbol.dispose]: () => this.#leave(host, one) };
  }

  #showOut(): void {
    const [host, most] = [...this.#inside].reduce((most, one) =>
      one[1].size > most[1].size ? one : most
    );
    const [oldest] = most;
    if (!oldest) return;
    this.#leave(host, oldest);
    oldest.abort(
      new PhaulError(
        "busy",
        `Cannot wait for a proof any longer: more than ${this.#maxUnproved} peers are to give one`,
      ),
    );
  }

  #leave(host: string, one: AbortController): void {
    const there = this.#inside.get(host);
    if (!there?.delete(one)) return;
    this.#count--;
    if (there.size === 0) this.#inside.delete(host);
  }
}

/**
 * What one attacker is taken to have: an IPv4 address, or the 64 bits of an IPv6 network, in which
 * everybody has as many addresses as they like. `peer` is `host:port`, IPv6 in brackets.
 */
export function networkOf(peer: string): string {
  const host = peer.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  // An IPv4 address that is written as one of IPv6 is a host of its own.
  if (!host.includes(":") || host.includes(".")) return host;
  const [before = "", after] = host.split("::");
  const head = before === "" ? [] : before.split(":");
  const tail = after === undefined || after === "" ? [] : after.split(":");
  const zeros = Array<string>(Math.max(0, 8 - head.length - tail.length)).fill("0");
  return [...head, ...zeros, ...tail].slice(0, 4).join(":");
}
