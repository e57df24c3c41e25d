/** A memory of this process that has a userfaultfd, made by calls of its own and not by phaul's. */

import { Fd } from "../../../src/sys/mod.ts";

const PAGE_BYTES = 4096;
const SYS_USERFAULTFD: Record<typeof Deno.build.arch, number> = { x86_64: 323, aarch64: 282 };
const O_CLOEXEC_NONBLOCK = 0o2004000;
const UFFDIO_API = 0xc018aa3fn;
const UFFDIO_REGISTER = 0xc020aa00n;
/** EVENT_FORK, EVENT_REMAP, EVENT_REMOVE, EVENT_UNMAP. */
const EVENTS = BigInt(1 << 1 | 1 << 2 | 1 << 3 | 1 << 6);
const MODE_MISSING = 1n;
const MADV_DONTNEED = 4;
const PRIVATE_ANONYMOUS = 0x22;

const LIBRARY = Deno.dlopen("libc.so.6", {
  syscall: { parameters: ["i64", "i64"], result: "i64" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  mmap: { parameters: ["pointer", "u64", "i32", "i32", "i32", "i64"], result: "pointer" },
  munmap: { parameters: ["pointer", "u64"], result: "i32" },
  // On other threads: they wait for whoever fills the memory in, or reads the event.
  touch: {
    name: "memcpy",
    parameters: ["buffer", "pointer", "u64"],
    result: "pointer",
    nonblocking: true,
  },
  madvise: { parameters: ["pointer", "u64", "i32"], result: "i32", nonblocking: true },
  unmapSlowly: {
    name: "munmap",
    parameters: ["pointer", "u64"],
    result: "i32",
    nonblocking: true,
  },
}).symbols;

/** Why this process gets no userfaultfd; undefined when it does. */
export function whyNoUffd(): string | undefined {
  const raw = Number(LIBRARY.syscall(BigInt(SYS_USERFAULTFD[Deno.build.arch]), 0n));
  if (raw < 0) return "userfaultfd(2) is not allowed here: run as root, on a kernel that has it";
  Fd.own(raw).close();
  return undefined;
}

/** Untouched pages, all of them registered. Its owner disposes of it. */
export class UffdMemory implements Disposable {
  readonly uffd: Fd;
  /** Of its first page. */
  readonly address: number;
  readonly #pointer: Deno.PointerObject;
  readonly #bytes: bigint;

  constructor(pages: number) {
    this.uffd = Fd.own(
      Number(LIBRARY.syscall(BigInt(SYS_USERFAULTFD[Deno.build.arch]), BigInt(O_CLOEXEC_NONBLOCK))),
    );
    this.#bytes = BigInt(pages * PAGE_BYTES);
    this.#ioctl(UFFDIO_API, [0xaan, EVENTS, 0n]);
    const pointer = LIBRARY.mmap(null, this.#bytes, 3, PRIVATE_ANONYMOUS, -1, 0n);
    if (pointer === null) throw new Error("Cannot map memory");
    this.#pointer = pointer;
    const start = Deno.UnsafePointer.value(pointer);
    this.address = Number(start);
    this.#ioctl(UFFDIO_REGISTER, [start, this.#bytes, MODE_MISSING, 0n]);
  }

  /** The first byte of a page, by a thread that waits until it is there. */
  async read(page: number): Promise<number> {
    const byte = new Uint8Array(1);
    await LIBRARY.touch(byte, this.#at(page), 1n);
    return byte[0] ?? -1;
  }

  /** madvise(MADV_DONTNEED), by a thread that waits until the event was read. */
  async forget(page: number, count: number): Promise<void> {
    await LIBRARY.madvise(this.#at(page), BigInt(count * PAGE_BYTES), MADV_DONTNEED);
  }

  /** munmap(2), by a thread that waits until the event was read. */
  async unmap(page: number, count: number): Promise<void> {
    await LIBRARY.unmapSlowly(this.#at(page), BigInt(count * PAGE_BYTES));
  }

  [Symbol.dispose](): void {
    // First: without its userfaultfd nobody has to be told.
    this.uffd.close();
    LIBRARY.munmap(this.#pointer, this.#bytes);
  }

  #at(page: number): Deno.PointerValue {
    return Deno.UnsafePointer.create(BigInt(this.address + page * PAGE_BYTES));
  }

  #ioctl(request: bigint, words: readonly bigint[]): void {
    const argument = new BigUint64Array(words);
    const result = LIBRARY.ioctl(this.uffd.raw, request, new Uint8Array(argument.buffer));
    if (result < 0) throw new Error(`Cannot set the userfaultfd up: ioctl ${request} failed`);
  }
}
