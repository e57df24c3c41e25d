/**
 * The codes of findings, for who names them on a command line.
 *
 * @module
 */

import { CHECKS, isCheckCode } from "../check/catalogue.ts";

/** Every code, in the order of docs/checks.md. */
export const CHECK_CODES = Object.keys(CHECKS).filter(isCheckCode);
