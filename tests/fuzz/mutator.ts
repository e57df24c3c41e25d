/**
 * A seeded source of damaged inputs: the same seed makes the same inputs on every machine.
 *
 * @module
 */

/** A small random generator (mulberry32); enough for choosing bytes, of no use for secrets. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 to below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let bits = this.#state;
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) % limit;
  }

  /** One of `items`, which are not none. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError("nothing to pick from");
    return item;
  }
}

/** What decoders stumble over: ends of ranges, long lengths, tags of groups. */
const BOUNDARIES = [0, 1, 2, 0x0b, 0x0c, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xfe, 0xff];

type Mutation = (bytes: number[], random: Random, seeds: readonly Uint8Array[]) => void;

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, random) {
    const at = random.below(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  },
  function setByte(bytes, random) {
    bytes[random.below(bytes.length)] = random.pick(BOUNDARIES);
  },
  function insert(bytes, random) {
    const more = Array.from({ length: 1 + random.below(8) }, () => random.below(256));
    bytes.splice(random.below(bytes.length + 1), 0, ...more);
  },
  function remove(bytes, random) {
    bytes.splice(random.below(bytes.length), 1 + random.below(8));
  },
  function truncate(bytes, random) {
    bytes.length = random.below(bytes.length);
  },
  function repeat(bytes, random) {
    const from = random.below(bytes.length);
    const part = bytes.slice(from, from + 1 + random.below(64));
    bytes.splice(random.below(bytes.length + 1), 0, ...part);
  },
  function splice(bytes, random, seeds) {
    const other = random.pick(seeds);
    const from = random.below(other.length + 1);
    bytes.splice(random.below(bytes.length), bytes.length, ...other.subarray(from));
  },
  function setWord(bytes, random) {
    const at = random.below(bytes.length);
    const word = random.pick([[0xff, 0xff, 0xff, 0xff], [0, 0, 0, 0], [0x80, 0, 0, 0], [
      0,
      1,
      0,
      0,
    ]]);
    bytes.splice(at, word.length, ...word);
  },
];

/** One of `seeds`, damaged in one to four places; now and then nothing but noise. */
export function damaged(random: Random, seeds: readonly Uint8Array[]): Uint8Array {
  if (random.below(20) === 0) {
    return Uint8Array.from({ length: random.below(200) }, () => random.below(256));
  }
  const bytes = [...random.pick(seeds)];
  for (let left = 1 + random.below(4); left > 0 && bytes.length > 0; left--) {
    random.pick(MUTATIONS)(bytes, random, seeds);
  }
  return Uint8Array.from(bytes);
}
