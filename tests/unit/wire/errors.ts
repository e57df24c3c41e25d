/** How tests look at failures. */

import { assertEquals } from "@std/assert";
import { asPhaulError, type ErrorCode, PhaulError } from "../../../src/errors.ts";

/** The error of `promise`, which must fail with `code`. */
export async function failure(code: ErrorCode, promise: Promise<unknown>): Promise<PhaulError> {
  const error: unknown = await promise.then(() => new Error("it did not fail"), (error) => error);
  return expectCode(code, error);
}

/** The error that `step` throws at once, which must have `code`. */
export function thrown(code: ErrorCode, step: () => unknown): PhaulError {
  try {
    step();
  } catch (error) {
    return expectCode(code, error);
  }
  throw new Error("it did not throw");
}

function expectCode(code: ErrorCode, error: unknown): PhaulError {
  if (!(error instanceof PhaulError)) throw error;
  assertEquals(error.code, code, error.message);
  return asPhaulError(error);
}
