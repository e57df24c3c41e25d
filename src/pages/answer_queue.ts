/**
 * What the CRIU that dumps is answered.
 *
 * @module
 */

/** Bytes on their way back to the CRIU that dumps. One reader at a time. */
export class AnswerQueue {
  readonly #waiting: Uint8Array[] = [];
  #news = Promise.withResolvers<void>();
  #ended = false;

  /** The next answer. */
  put(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#news.resolve();
  }

  /** Nobody waits for these any more. */
  forget(): void {
    this.#waiting.length = 0;
  }

  /** There will be no more. */
  end(): void {
    this.#ended = true;
    this.#news.resolve();
  }

  /** @returns the bytes of one answer; null at the end */
  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#waiting.length === 0) {
      if (this.#ended) return null;
      this.#news = Promise.withResolvers();
      await this.#news.promise;
    }
    const bytes = this.#waiting.shift() ?? new Uint8Array();
    buffer.set(bytes);
    return bytes.length;
  }
}
