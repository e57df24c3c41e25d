/**
 * Runs a decoder over a corpus and over damaged forms of it.
 *
 * `PHAUL_FUZZ_ROUNDS` and `PHAUL_FUZZ_SEED` make a run longer or another one; the inputs of a failure
 * are printed, to be added to the corpus.
 *
 * @module
 */

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

/** How a decoder may fail. */
export type Allowed = readonly ErrorCode[];

/**
 * Calls `decode` with each damaged input. It may throw a PhaulError with one of the codes `allowed`;
 * anything else is a defect, and so is an assertion of `decode` itself.
 */
export async function fuzz(
  name: string,
  allowed: Allowed,
  decode: (input: Uint8Array) => unknown,
): Promise<{ taken: number; refused: number }> {
  const seeds = await corpus(name);
  const random = new Random(numberFrom("PHAUL_FUZZ_SEED", DEFAULT_SEED));
  const counts = { taken: 0, refused: 0 };
  for (let round = numberFrom("PHAUL_FUZZ_ROUNDS", DEFAULT_ROUNDS); round > 0; round--) {
    const input = damaged(random, seeds);
    try {
      await decode(input);
      counts.taken++;
    } catch (error) {
      if (!(error instanceof PhaulError) || !allowed.includes(error.code)) {
        throw new Error(`${name}: ${hex(input)}`, { cause: error });
      }
      counts.refused++;
    }
  }
  return counts;
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function numberFrom(variable: string, otherwise: number): number {
  const value = Number(Deno.env.get(variable) ?? otherwise);
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${variable} is no number`);
  return value;
}
