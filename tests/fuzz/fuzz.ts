/**
 * Runs a decoder over a corpus and over damaged forms of it.
 *
 * `PHAUL_FUZZ_ROUNDS` and `PHAUL_FUZZ_SEED` make a run longer or another one. A failure prints its
 * input, to be added to the corpus, and the command that makes that input again.
 *
 * @module
 */

import { assert } from "@std/assert";
import { type ErrorCode, PhaulError } from "../../src/errors.ts";
import { damaged, Random } from "./mutator.ts";

const DEFAULT_ROUNDS = 2000;
const DEFAULT_SEED = 20_240_229;

/** The inputs in corpus/`name`.hex: one a line in hexadecimal digits, `#` begins a comment. */
export async function corpus(name: string): Promise<Uint8Array[]> {
  const text = await Deno.readTextFile(new URL(`corpus/${name}.hex`, import.meta.url));
  return text.split("\n")
    .map((line) => line.replace(/#.*/, "").replaceAll(/\s/g, ""))
    .filter((digits) => digits !== "")
    .map((digits) => Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16)));
}

/** How a decoder may fail; one for which this is empty takes everything. */
export type Allowed = readonly ErrorCode[];

/** A decoder under test. */
export interface Target {
  /** Of its corpus too. */
  readonly name: string;
  readonly allowed: Allowed;
  /** Decodes an input and checks what came out of it. */
  readonly check: (input: Uint8Array) => unknown;
  /** Fewer than usual for a decoder that reads files. */
  readonly rounds?: number;
}

/** Declares the tests of each target. */
export function testTargets(targets: readonly Target[]): void {
  for (const target of targets) {
    const { name, allowed, check } = target;
    Deno.test(`fuzz ${name}: the corpus is taken as it is`, async () => {
      const seeds = await corpus(name);
      assert(seeds.length > 0);
      for (const seed of seeds) await check(seed);
    });

    const promise = allowed.length === 0 ? "taken" : "taken or refused, and nothing else";
    Deno.test(`fuzz ${name}: a damaged input is ${promise}`, async () => {
      const { taken, refused } = await fuzz(target);
      // Both ways out must have been taken, or the inputs are too tame or too wild to say anything.
      assert(taken > 0, "no input was taken");
      assert(refused > 0 || allowed.length === 0, "no input was refused");
    });
  }
}

/**
 * Checks damaged inputs. A check may throw a PhaulError with one of the codes `allowed`; anything else
 * is a defect, and so is an assertion of the check itself.
 */
export async function fuzz(target: Target): Promise<{ taken: number; refused: number }> {
  const { name, allowed, check } = target;
  const seeds = await corpus(name);
  const first = numberFrom("PHAUL_FUZZ_SEED", DEFAULT_SEED);
  const rounds = numberFrom("PHAUL_FUZZ_ROUNDS", target.rounds ?? DEFAULT_ROUNDS);
  const counts = { taken: 0, refused: 0 };
  // A seed for each round: one input can be made again without those before it.
  for (let seed = first; seed < first + rounds; seed++) {
    const input = damaged(new Random(seed), seeds);
    try {
      await check(input);
      counts.taken++;
    } catch (error) {
      if (!(error instanceof PhaulError) || !allowed.includes(error.code)) {
        throw new Error(howToRepeat(name, seed, input), { cause: error });
      }
      counts.refused++;
    }
  }
  return counts;
}

function howToRepeat(name: string, seed: number, input: Uint8Array): string {
  return `${name} failed on ${input.length} bytes, for tests/fuzz/corpus/${name}.hex:\n` +
    `${input.toHex()}\n` +
    "The same input again, as long as the corpus stays as it is: PHAUL_FUZZ_ROUNDS=1 " +
    `PHAUL_FUZZ_SEED=${seed} deno task test:unit --filter="fuzz ${name}:"`;
}

function numberFrom(variable: string, otherwise: number): number {
  const value = Number(Deno.env.get(variable) ?? otherwise);
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${variable} is no number`);
  return value;
}
