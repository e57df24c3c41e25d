/**
 * Where the pages of a running process have gone since it was dumped. Pure.
 *
 * @module
 */

/** Consecutive pages of a process, which the images know under other numbers. */
export interface Area {
  /** Number of its first page in the process. */
  readonly start: number;
  /** The page behind it. */
  readonly end: number;
  /** What is to be taken from a page's number in the process to have its number in the images. */
  readonly shift: number;
}

/** All areas of one memory, ascending. What is in none of them is no longer to be filled from images. */
export class Areas {
  #areas: readonly Area[];

  private constructor(areas: readonly Area[]) {
    this.#areas = areas;
  }

  /** Every page is where it was. */
  static untouched(): Areas {
    return new Areas([{ start: 0, end: Number.MAX_SAFE_INTEGER, shift: 0 }]);
  }

  /** The same for another process. */
  copy(): Areas {
    return new Areas(this.#areas);
  }

  /** The area with that page, or else the next one. */
  from(page: number): Area | undefined {
    let low = 0;
    let high = this.#areas.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#areas[middle]?.end ?? 0) > page) high = middle;
      else low = middle + 1;
    }
    return this.#areas[low];
  }

  /** What was there is gone. */
  remove(start: number, end: number): void {
    this.#areas = this.#areas.flatMap((area) => without(area, start, end));
  }

  /** The pages from `start` up to `end` are now at `to`. */
  move(start: number, end: number, to: number): void {
    const moved = this.#areas.flatMap((area) => within(area, start, end)).map((area) => ({
      start: area.start - start + to,
      end: area.end - start + to,
      shift: area.shift - start + to,
    }));
    this.remove(start, end);
    this.remove(to, to + end - start);
    this.#areas = [...this.#areas, ...moved].sort((one, other) => one.start - other.start);
  }
}

function without(area: Area, start: number, end: number): Area[] {
  if (end <= area.start || start >= area.end) return [area];
  return [{ ...area, end: start }, { ...area, start: end }].filter((part) => part.start < part.end);
}

function within(area: Area, start: number, end: number): Area[] {
  const part = { ...area, start: Math.max(area.start, start), end: Math.min(area.end, end) };
  return part.start < part.end ? [part] : [];
}
