/**
 * CRIU's pages images: the contents of pages, one after the other, and nothing else.
 *
 * @module
 */

/** What comes in small parts is written in parts of this size. */
const BUFFER_BYTES = 256 * 1024;

/** Appends to one `pages-N.img`. Writes at once: what it was given may be reused. */
export class PagesFile implements Disposable {
  /** The number in its name. */
  readonly id: number;
  readonly path: string;
  readonly #file: Deno.FsFile;
  readonly #buffer: Uint8Array;
  #filled = 0;
  #bytes = 0;

  /**
   * Makes the file, of mode 0600.
   *
   * @param buffer Room that no other open file uses; see {@linkcode pagesBuffer}.
   * @throws Deno.errors.*
   */
  constructor(dir: string, id: number, buffer: Uint8Array) {
    this.id = id;
    this.path = `${dir}/pages-${id}.img`;
    this.#buffer = buffer;
    this.#file = Deno.openSync(this.path, { write: true, createNew: true, mode: 0o600 });
  }

  /** Bytes that were appended. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @throws Deno.errors.* */
  append(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    const long = bytes.length >= this.#buffer.length / 2;
    if (long || this.#filled + bytes.length > this.#buffer.length) this.flush();
    if (long) return this.#write(bytes);
    this.#buffer.set(bytes, this.#filled);
    this.#filled += bytes.length;
  }

  /**
   * Leaves a hole, which reads as zeros.
   *
   * @throws Deno.errors.*
   */
  skip(byteLength: number): void {
    this.flush();
    this.#bytes += byteLength;
    this.#file.truncateSync(this.#bytes);
    this.#file.seekSync(this.#bytes, Deno.SeekMode.Start);
  }

  /** @throws Deno.errors.* */
  flush(): void {
    const filled = this.#filled;
    this.#filled = 0;
    this.#write(this.#buffer.subarray(0, filled));
  }

  /** Closes it; what was not flushed is lost. */
  [Symbol.dispose](): void {
    this.#file.close();
  }

  #write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) done += this.#file.writeSync(bytes.subarray(done));
  }
}

/** Room for one open {@linkcode PagesFile} after the other. */
export function pagesBuffer(): Uint8Array {
  return new Uint8Array(BUFFER_BYTES);
}
