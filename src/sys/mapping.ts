/**
 * Files in memory.
 *
 * @module
 */

import type { Bytes } from "./layouts.ts";
import type { Fd } from "./fd.ts";
import { libc } from "./libc.ts";
import { check, checkPointer } from "./syscall.ts";

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_FAILED = 2n ** 64n - 1n;

/** A shared mapping of a whole file. The file stays as long as it is mapped, whatever becomes of its name. */
export class Mapping implements Disposable {
  /** Where it begins in this process; below 2^53, as all user addresses are. */
  readonly address: number;
  readonly byteLength: number;
  readonly #pointer: Deno.PointerObject;

  private constructor(pointer: Deno.PointerObject, byteLength: number) {
    this.#pointer = pointer;
    this.address = Number(Deno.UnsafePointer.value(pointer));
    this.byteLength = byteLength;
  }

  /**
   * Maps the first `byteLength` bytes of `file`, which may be closed afterwards.
   *
   * @throws SyscallError
   */
  static of(file: Fd, byteLength: number, access: "read" | "update" = "read"): Mapping {
    const protection = access === "read" ? PROT_READ : PROT_READ | PROT_WRITE;
    const size = BigInt(byteLength);
    const pointer = checkPointer(
      "mmap",
      MAP_FAILED,
      libc().mmap(null, size, protection, MAP_SHARED, file.raw, 0n),
    );
    return new Mapping(pointer, byteLength);
  }

  /** A view of it, not to be touched once it is disposed of. */
  bytes(): Bytes {
    return new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(this.#pointer, this.byteLength));
  }

  /** Unmaps it. */
  [Symbol.dispose](): void {
    check("munmap", libc().munmap(this.#pointer, BigInt(this.byteLength)));
  }
}

/**
 * Gives a file that length; what it is longer than before reads as zeros.
 *
 * @throws SyscallError
 */
export function setLength(file: Fd, byteLength: number): void {
  check("ftruncate", libc().ftruncate(file.raw, BigInt(byteLength)));
}
