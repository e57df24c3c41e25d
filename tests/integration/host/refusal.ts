/** How phaul refuses: by an exit code, a reason and a remedy, for people and for programs. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { PhaulRun } from "./phaul.ts";
import { expectCode } from "./world.ts";

/** Fails unless phaul ended with this code, a reason that holds `reason`, and a remedy if any. */
export async function expectRefusal(run: PhaulRun, code: number, reason: string, remedy?: string) {
  await expectCode(run, code);
  const failed = await run.event("failed");
  assertEquals(failed.exitCode, code);
  assertStringIncludes(String(failed.message), reason);
  if (remedy !== undefined) assertStringIncludes(String(failed.remedy), remedy);
  const said = await run.said();
  assertStringIncludes(said, String(failed.message));
  assert(!/\n +at /.test(said), "a stack trace is no message");
}
