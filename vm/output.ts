/** What a command prints, as it comes. */

/** Takes output. */
export interface Output {
  push(bytes: Uint8Array): void;
}

interface Waiter {
  readonly test: (line: string) => boolean;
  resolve(line: string): void;
  reject(error: Error): void;
}

/** Collects output and lets callers wait for a line. */
export class LineReader implements Output {
  readonly lines: string[] = [];
  readonly #chunks: Uint8Array[] = [];
  readonly #decoder = new TextDecoder();
  readonly #waiters = new Set<Waiter>();
  #rest = "";
  #ended = false;

  /** Everything so far. */
  get bytes(): Uint8Array {
    const all = new Uint8Array(this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }

  /** Everything so far, as text. */
  get text(): string {
    return new TextDecoder().decode(this.bytes);
  }

  /** Adds output. */
  push(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#add(line);
  }

  /** No more comes: waiters for lines that never came are rejected. */
  end(): void {
    this.#ended = true;
    if (this.#rest !== "") this.#add(this.#rest);
    this.#rest = "";
    for (const waiter of this.#waiters) waiter.reject(this.#neverCame());
    this.#waiters.clear();
  }

  /**
   * The first line, printed already or to come, that the pattern or predicate matches. Rejects when
   * the output ends without it or `timeoutMs` have passed.
   */
  async line(
    wanted: RegExp | ((line: string) => boolean),
    timeoutMs = 120_000,
  ): Promise<string> {
    const test = wanted instanceof RegExp ? (line: string) => wanted.test(line) : wanted;
    const found = this.lines.find(test);
    if (found !== undefined) return found;
    if (this.#ended) throw this.#neverCame();
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const waiter: Waiter = { test, resolve, reject };
    this.#waiters.add(waiter);
    const timer = setTimeout(
      () => reject(new Error(`No such line within ${timeoutMs} ms: ${wanted}; ${this.#last()}`)),
      timeoutMs,
    );
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
    }
  }

  #add(line: string): void {
    this.lines.push(line);
    for (const waiter of this.#waiters) {
      if (!waiter.test(line)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(line);
    }
  }

  #neverCame(): Error {
    return new Error(`The command ended without the line waited for; ${this.#last()}`);
  }

  #last(): string {
    return `last lines: ${JSON.stringify(this.lines.slice(-5))}`;
  }
}
