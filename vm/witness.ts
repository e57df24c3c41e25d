/**
 * The witness: workloads send a numbered datagram with the host's name at every tick, and QEMU
 * writes them down outside the guests. Whatever phaul or a guest believes, this is what ran where.
 */

import { type CapturedDatagram, PcapFollower } from "./pcap.ts";

/** One tick of a workload. */
export interface Tick {
  readonly workload: string;
  /** The host that sent it; its own word and its address agree. */
  readonly host: string;
  /** Counts from 1, without a gap, over the whole life of the workload. */
  readonly sequence: number;
  readonly pid: number;
  /** Time of this machine's clock, milliseconds since the epoch, good to some tens of ms. */
  readonly timeMs: number;
}

/** A stretch of ticks on one host. */
export interface Stretch {
  readonly host: string;
  readonly first: Tick;
  readonly last: Tick;
}

/** The life of a workload as the witness saw it. */
export interface WitnessReport {
  readonly stretches: readonly Stretch[];
  readonly ticks: number;
  /** The longest silence between two ticks and the number after it. */
  readonly largestSilence: { readonly ms: number; readonly before: number };
}

/** What {@linkcode Witness.assertExactlyOneCopy} demands besides. */
export interface OneCopyOptions {
  /** The hosts in the order in which the workload ran there, as ["alpha", "beta"]. */
  readonly hosts?: readonly string[];
  /** By default a missing number fails, too. */
  readonly allowGaps?: boolean;
}

/** More than one copy ran, or the workload did not go on where it was. */
export class WitnessError extends Error {
  override readonly name = "WitnessError";
}

/** One capture file and the hosts whose datagrams it may hold. */
export interface Capture {
  readonly path: string;
  /** Host name by witness address. */
  readonly hosts: ReadonlyMap<string, string>;
}

/** UDP port of the ticks, and of the marks by which the capture's clock is set. */
export const WITNESS_PORT = 9000;
const MARK_PORT = 9001;
const POLL_MS = 50;
/** Clocks of two captures are compared only by the marks: that is how far they may disagree. */
const CLOCK_SLACK_MS = 250;

/** Reads the captures of a run. */
export class Witness {
  readonly #captures: readonly OneCapture[];
  readonly #ticks = new Map<string, Tick[]>();

  constructor(captures: readonly Capture[]) {
    this.#captures = captures.map((capture) => new OneCapture(capture));
  }

  /**
   * Sets the clocks. `mark` makes a host of the capture number `index` send a datagram with the
   * given text to the mark's port.
   */
  async calibrate(index: number, mark: (command: string) => Promise<unknown>): Promise<void> {
    await this.#captures[index]?.calibrate(mark);
  }

  /** All ticks of a workload so far, by sequence number and then by time. */
  async ticks(workload: string): Promise<readonly Tick[]> {
    for (const capture of this.#captures) {
      for (const tick of await capture.next()) {
        const list = this.#ticks.get(tick.workload);
        if (list) list.push(tick);
        else this.#ticks.set(tick.workload, [tick]);
      }
    }
    const ticks = this.#ticks.get(workload) ?? [];
    return ticks.sort((a, b) => a.sequence - b.sequence || a.timeMs - b.timeMs);
  }

  /** The newest tick of a workload, if there is one. */
  async latest(workload: string): Promise<Tick | undefined> {
    return (await this.ticks(workload)).at(-1);
  }

  /**
   * Waits until the workload has ticked `count` times more than now on `host`. Rejects after
   * `timeoutMs` with what was seen instead.
   */
  async waitForTicks(
    workload: string,
    host: string,
    count: number,
    timeoutMs = 60_000,
  ): Promise<Tick> {
    const there = async () => (await this.ticks(workload)).filter((tick) => tick.host === host);
    const before = (await there()).length;
    const endMs = performance.now() + timeoutMs;
    for (;;) {
      const now = await there();
      const tick = now[before + count - 1];
      if (tick) return tick;
      if (performance.now() > endMs) {
        const latest = await this.latest(workload);
        throw new WitnessError(
          `"${workload}" ticked ${now.length - before} of ${count} times on ${host} within ` +
            `${timeoutMs} ms; newest tick: ${latest ? describe(latest) : "none"}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /**
   * Proves that exactly one copy ran at every moment: each number was sent once, by one host; the
   * hosts' stretches do not interleave, in numbers or in time; none is missing.
   *
   * @throws {WitnessError} naming the first number that contradicts it.
   */
  async assertExactlyOneCopy(
    workload: string,
    options: OneCopyOptions = {},
  ): Promise<WitnessReport> {
    const ticks = await this.ticks(workload);
    return examine(workload, ticks, options);
  }
}

/** The pure part of {@linkcode Witness.assertExactlyOneCopy}; ticks sorted by number. */
export function examine(
  workload: string,
  ticks: readonly Tick[],
  { hosts, allowGaps }: OneCopyOptions,
): WitnessReport {
  const fail = (text: string): never => {
    throw new WitnessError(`"${workload}": ${text}`);
  };
  const [first] = ticks;
  if (!first) return fail("the witness saw nothing");
  if (first.sequence !== 1 && !allowGaps) fail(`the first tick is number ${first.sequence}`);
  const stretches: { host: string; first: Tick; last: Tick }[] = [];
  let largestSilence = { ms: 0, before: first.sequence };
  let previous: Tick | undefined;
  for (const tick of ticks) {
    if (previous) {
      if (tick.sequence === previous.sequence) {
        fail(`number ${tick.sequence} was sent twice: ${describe(previous)}, ${describe(tick)}`);
      }
      if (tick.sequence !== previous.sequence + 1 && !allowGaps) {
        fail(`numbers ${previous.sequence + 1} to ${tick.sequence - 1} are missing`);
      }
      const ms = tick.timeMs - previous.timeMs;
      const slackMs = tick.host === previous.host ? 0 : CLOCK_SLACK_MS;
      if (ms < -slackMs) {
        fail(`a higher number was sent earlier: ${describe(previous)}, ${describe(tick)}`);
      }
      if (ms > largestSilence.ms) largestSilence = { ms, before: tick.sequence };
    }
    const stretch = stretches.at(-1);
    if (stretch?.host === tick.host) stretch.last = tick;
    else stretches.push({ host: tick.host, first: tick, last: tick });
    previous = tick;
  }
  const seen = stretches.map((stretch) => stretch.host);
  if (hosts && seen.join() !== hosts.join()) {
    fail(`ran on ${seen.join(", then ")}; expected ${hosts.join(", then ")}`);
  }
  return { stretches, ticks: ticks.length, largestSilence };
}

/** One capture, with the offset of its clock to this machine's. */
class OneCapture {
  readonly #follower: PcapFollower;
  readonly #hosts: ReadonlyMap<string, string>;
  #held: CapturedDatagram[] = [];
  #offsetMs = 0;

  constructor(capture: Capture) {
    this.#follower = new PcapFollower(capture.path);
    this.#hosts = capture.hosts;
  }

  /** QEMU stamps captures with a start in whole seconds: a mark tells how far off that is. */
  async calibrate(mark: (command: string) => Promise<unknown>): Promise<void> {
    let best = Infinity;
    for (let round = 0; round < 3; round++) {
      const text = `mark-${round}-${crypto.randomUUID()}`;
      const beforeMs = Date.now();
      await mark(`echo -n ${text} >/dev/udp/10.9.0.254/${MARK_PORT}`);
      const afterMs = Date.now();
      const datagram = await this.#findMark(text);
      if (afterMs - beforeMs >= best) continue;
      best = afterMs - beforeMs;
      this.#offsetMs = (beforeMs + afterMs) / 2 - datagram.timeMs;
    }
  }

  async #findMark(text: string): Promise<CapturedDatagram> {
    for (let round = 0; round < 100; round++) {
      this.#held.push(...await this.#follower.next());
      const found = this.#held.find((datagram) =>
        datagram.destinationPort === MARK_PORT && decode(datagram) === text
      );
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    throw new WitnessError(`Cannot see the datagrams of a guest in "${this.#follower.path}"`);
  }

  /** The ticks captured since the last call. */
  async next(): Promise<Tick[]> {
    const datagrams = [...this.#held, ...await this.#follower.next()];
    this.#held = [];
    return datagrams.filter((datagram) => datagram.destinationPort === WITNESS_PORT)
      .map((datagram) => this.#tick(datagram));
  }

  #tick(datagram: CapturedDatagram): Tick {
    const timeMs = datagram.timeMs + this.#offsetMs;
    return readTick(decode(datagram), this.#hosts.get(datagram.source), timeMs);
  }
}

/**
 * The tick that a workload's datagram tells of, which came from `sender` at `timeMs`.
 *
 * @throws {WitnessError} when it is none, or names another host than the one that sent it.
 */
export function readTick(text: string, sender: string | undefined, timeMs: number): Tick {
  const match = /^tick (\S+) (\S+) (\d+) (\d+)$/.exec(text);
  const [, workload, host, sequence, pid] = match ?? [];
  if (!workload || !host) throw new WitnessError(`Cannot understand the datagram "${text}"`);
  if (sender !== host) throw new WitnessError(`"${text}" came from ${sender ?? "elsewhere"}`);
  return { workload, host, sequence: Number(sequence), pid: Number(pid), timeMs };
}

function decode(datagram: CapturedDatagram): string {
  return new TextDecoder().decode(datagram.payload);
}

function describe({ host, sequence, timeMs, pid }: Tick): string {
  return `${sequence} by pid ${pid} on ${host} at ${new Date(timeMs).toISOString()}`;
}
