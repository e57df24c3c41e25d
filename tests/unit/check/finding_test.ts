import { assertEquals, assertThrows } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { CHECKS, type Finding, refuseBlockers, skipping } from "../../../src/check/mod.ts";

const BLOCKER: Finding = {
  code: "pid-taken",
  severity: "blocker",
  message: "pid 1 is taken",
  remedy: "End it",
};
const WARNING: Finding = { code: "clock", severity: "warning", message: "late" };

Deno.test("refuseBlockers: says all blockers and each remedy once, with the first one's code", () => {
  const missing: Finding = { ...BLOCKER, code: "file-missing", message: `"/x" is missing` };
  const error = assertThrows(
    () => refuseBlockers("move it", [WARNING, BLOCKER, missing]),
    PhaulError,
  );
  assertEquals(error.message, `Cannot move it: pid 1 is taken; "/x" is missing`);
  assertEquals([error.code, error.remedy], ["pid-taken", "End it"]);
});

Deno.test("refuseBlockers: warnings refuse nothing", () => refuseBlockers("move it", [WARNING]));

Deno.test("skipping: makes warnings of the blockers that are named, and of nothing else", () => {
  const other: Finding = { ...BLOCKER, code: "file-missing" };
  const severities = skipping([BLOCKER, other], ["pid-taken"]).map(({ severity }) => severity);
  assertEquals(severities, ["warning", "blocker"]);
});

Deno.test("CHECKS: each meaning is one sentence without a full stop", () => {
  const bad = Object.values(CHECKS).filter(({ means }) => !/^[A-Z].*[^.]$/.test(means));
  assertEquals(bad, []);
});

Deno.test("CHECKS: what is never found as a blocker ends no migration in its own way", () => {
  const odd = Object.entries(CHECKS).filter(([, check]) => {
    return check.worst !== "blocker" && "error" in check;
  });
  assertEquals(odd, []);
});
