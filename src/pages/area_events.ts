/**
 * What the events of a userfaultfd do to the areas of a memory. Pure.
 *
 * @module
 */

import type { UffdEvent } from "../sys/mod.ts";
import type { Areas } from "./areas.ts";

/** Has `areas` be as they are after `event`. */
export function applyTo(areas: Areas, event: UffdEvent, pageBytes: number): void {
  const page = (address: number) => address / pageBytes;
  switch (event.kind) {
    case "remap":
      return areas.move(page(event.from), page(event.from + event.bytes), page(event.to));
    case "remove":
    case "unmap":
      return areas.remove(page(event.start), page(event.end));
    case "fork":
    case "fault":
      return;
  }
}

/** How the areas of a memory stand after the first `count` events of its log. */
export function areasAfter(
  areas: Areas,
  events: readonly UffdEvent[],
  pageBytes: number,
): Areas {
  for (const event of events) applyTo(areas, event, pageBytes);
  return areas;
}
