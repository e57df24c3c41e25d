/**
 * Numbers for the pages of many runs: from 0, in the order of the runs.
 *
 * @module
 */

/** Knows which run has the page of a number. */
export class Numbering {
  /** The number of each run's first page. */
  readonly #firsts: number[] = [];
  #count = 0;

  /** Pages of all runs. */
  get count(): number {
    return this.#count;
  }

  /** The next run has so many pages, at least one. */
  add(count: number): void {
    this.#firsts.push(this.#count);
    this.#count += count;
  }

  /** The number of the first page of run `index`. */
  firstOf(index: number): number {
    return this.#firsts[index] ?? 0;
  }

  /** The run with page `number`, by its index. */
  runWith(number: number): number {
    let low = 0;
    let high = this.#firsts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.firstOf(middle) <= number) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
