/**
 * Memory for calls on another thread.
 *
 * @module
 */

import type { Bytes } from "./layouts.ts";
import { libc } from "./libc.ts";

/**
 * Memory from malloc(3). A call that runs on a pool thread must not be given a JavaScript buffer: when
 * the program ends by an uncaught error, the runtime frees its buffers with the call still in flight,
 * and the kernel writes into memory that is something else by then.
 */
export class NativeMemory implements Disposable {
  readonly pointer: Deno.PointerObject;
  /** A view of all of it, not to be touched after it was disposed of. */
  readonly bytes: Bytes;

  private constructor(pointer: Deno.PointerObject, byteLength: number) {
    this.pointer = pointer;
    this.bytes = new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(pointer, byteLength));
    this.bytes.fill(0);
  }

  /**
   * `byteLength` zero bytes. The caller owns them, and disposes of them after the call has returned.
   *
   * @throws RangeError when there is no memory
   */
  static allocate(byteLength: number): NativeMemory {
    const pointer = libc().malloc(BigInt(byteLength));
    if (pointer === null) throw new RangeError(`Cannot allocate ${byteLength} bytes`);
    return new NativeMemory(pointer, byteLength);
  }

  /** Frees the memory. */
  [Symbol.dispose](): void {
    libc().free(this.pointer);
  }
}
