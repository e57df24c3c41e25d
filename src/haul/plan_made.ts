/**
 * How a plan ends that went well.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";

/** Why nothing moves: it was a plan only. */
export const PLAN_MADE = new PhaulError("cancelled", "Cannot go on: it was a plan only");
