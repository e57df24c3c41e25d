/**
 * The codes and severities of findings, for who names them on a command line or shows them.
 *
 * @module
 */

import { CHECKS, isCheckCode } from "../check/catalogue.ts";

export { SEVERITIES, type Severity } from "../check/finding.ts";

/** Without these no images could be read: there is nothing to go on with. */
const UNCONDITIONAL: readonly string[] = ["architecture", "page-size"];

/** Every code whose blockers can be passed over, in the order of docs/checks.md. */
export const SKIPPABLE_CODES = Object.keys(CHECKS).filter(isCheckCode).filter((code) =>
  CHECKS[code].worst === "blocker" && !UNCONDITIONAL.includes(code)
);
