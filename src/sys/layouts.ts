/**
 * The structs that cross into libc, as bytes. All layouts are those of LP64 Linux and the same on
 * x86_64 and aarch64, both little-endian; epoll_event is not, which is why phaul uses poll.
 *
 * @module
 */

const LITTLE_ENDIAN = true;
/** The families of addresses: the first field of each `struct sockaddr`. */
export const AddressFamily = { UNIX: 1, INET: 2, INET6: 10 } as const;

/** Bytes that libc may read and write: never backed by shared memory. */
export type Bytes = Uint8Array<ArrayBuffer>;

/**
 * `text` as a C string.
 *
 * @throws TypeError when it holds a NUL, which would silently name another file or argument
 */
export function cString(text: string): Bytes {
  if (text.includes("\0")) {
    throw new TypeError(`Cannot pass ${JSON.stringify(text)}: it holds a NUL`);
  }
  return new TextEncoder().encode(text + "\0");
}

/** The address of the first byte of `bytes`; valid as long as the caller keeps `bytes` reachable. */
function addressOf(bytes: Bytes): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
}

/** `char *array[]`, ended by NULL: pointers first, then the strings, in one piece of memory. */
export function cStringArray(texts: readonly string[]): Bytes {
  const strings = texts.map(cString);
  const tableBytes = (strings.length + 1) * 8;
  const total = strings.reduce((sum, string) => sum + string.length, tableBytes);
  const memory = new Uint8Array(total);
  const view = new DataView(memory.buffer);
  const base = addressOf(memory);
  let offset = tableBytes;
  strings.forEach((string, index) => {
    view.setBigUint64(index * 8, base + BigInt(offset), LITTLE_ENDIAN);
    memory.set(string, offset);
    offset += string.length;
  });
  return memory;
}

/**
 * `struct sockaddr_un`: u16 family, then the path in 108 bytes with its NUL.
 *
 * @throws TypeError when the path is too long
 */
export function sockaddrUn(path: string): Bytes {
  const encoded = cString(path);
  if (encoded.length > 108) {
    throw new TypeError(`Cannot use '${path}' as a socket: it is longer than 107 bytes`);
  }
  const memory = new Uint8Array(110);
  new DataView(memory.buffer).setUint16(0, AddressFamily.UNIX, LITTLE_ENDIAN);
  memory.set(encoded, 2);
  return memory;
}

/**
 * `struct sockaddr_in` or `struct sockaddr_in6`: u16 family, then port and address in network order.
 *
 * @throws TypeError when `host` is no IPv4 or IPv6 address
 */
export function sockaddrIn(
  { host, port }: { readonly host: string; readonly port: number },
): Bytes {
  const v6 = host.includes(":");
  const address = v6 ? ipv6Bytes(host) : host.split(".").map(Number);
  if (address.length !== (v6 ? 16 : 4) || !address.every((byte) => byte >= 0 && byte <= 255)) {
    throw new TypeError(`Cannot use '${host}' as a socket's address: it is no IP address`);
  }
  const memory = new Uint8Array(v6 ? 28 : 16);
  const view = new DataView(memory.buffer);
  view.setUint16(0, v6 ? AddressFamily.INET6 : AddressFamily.INET, LITTLE_ENDIAN);
  view.setUint16(2, port);
  // Of IPv6, the flow label comes before the address and the scope after it: none of either.
  memory.set(address, v6 ? 8 : 4);
  return memory;
}

/** Empty for what is no IPv6 address. */
function ipv6Bytes(host: string): number[] {
  // URL writes every form of it as groups of hexadecimal digits.
  const text = URL.parse(`http://[${host}]`)?.hostname.slice(1, -1) ?? "";
  const [before = [], after] = text.split("::").map((half) => half.split(":").filter(Boolean));
  const missing = after ? 8 - before.length - after.length : 0;
  const groups = [...before, ...Array.from({ length: missing }, () => "0"), ...after ?? []];
  return groups.map((group) => parseInt(group, 16)).flatMap((group) => [group >> 8, group & 0xff]);
}

/** One entry of a {@linkcode PollTable}. */
export interface PollEntry {
  readonly fd: number;
  readonly events: number;
}

/** `sizeof(struct pollfd)`. */
export const POLLFD_BYTES = 8;

/** `struct pollfd[]`: i32 fd, i16 events, i16 revents each. */
export class PollTable {
  readonly bytes: Bytes;
  /** `nfds_t`: how many entries there are. */
  readonly size: bigint;
  readonly #view: DataView;

  /** @param bytes zeros, {@linkcode POLLFD_BYTES} for each entry */
  constructor(
    entries: readonly PollEntry[],
    bytes: Bytes = new Uint8Array(entries.length * POLLFD_BYTES),
  ) {
    this.bytes = bytes;
    this.size = BigInt(entries.length);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    entries.forEach((entry, index) => {
      this.#view.setInt32(index * POLLFD_BYTES, entry.fd, LITTLE_ENDIAN);
      this.#view.setInt16(index * POLLFD_BYTES + 4, entry.events, LITTLE_ENDIAN);
    });
  }

  /** What poll reported for the entry at `index`. */
  revents(index: number): number {
    return this.#view.getInt16(index * POLLFD_BYTES + 6, LITTLE_ENDIAN);
  }
}

// struct msghdr { name@0, namelen@8, iov@16, iovlen@24, control@32, controllen@40, flags@48 }, 56
// bytes; behind it one struct iovec { base@0, len@8 }; behind that the control messages, each a
// struct cmsghdr { u64 len@0, i32 level@8, i32 type@12 } and its data.
const IOVEC_AT = 56;
const CONTROL_AT = IOVEC_AT + 16;
const CMSG_HEADER_BYTES = 16;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const SCM_CREDENTIALS = 2;

/** The most fds the kernel passes in one message (SCM_MAX_FD). */
const MAX_FDS = 253;

const align8 = (bytes: number): number => (bytes + 7) & ~7;

/** `struct msghdr` with one iovec over `payload` and `controlBytes` of room for control messages. */
export class MessageHeader {
  readonly bytes: Bytes;
  /** Kept reachable here, as the kernel goes to it by address. */
  readonly payload: Bytes;
  readonly #view: DataView;

  private constructor(payload: Bytes, controlBytes: number) {
    this.payload = payload;
    this.bytes = new Uint8Array(CONTROL_AT + controlBytes);
    this.#view = new DataView(this.bytes.buffer);
    const base = addressOf(this.bytes);
    this.#setU64(16, base + BigInt(IOVEC_AT));
    this.#setU64(24, 1n);
    this.#setU64(32, controlBytes === 0 ? 0n : base + BigInt(CONTROL_AT));
    this.#setU64(40, BigInt(controlBytes));
    this.#setU64(IOVEC_AT, addressOf(payload));
    this.#setU64(IOVEC_AT + 8, BigInt(payload.length));
  }

  /** A header that sends `payload` and, as SCM_RIGHTS, `fds`. */
  static sending(payload: Bytes, fds: readonly number[]): MessageHeader {
    if (fds.length === 0) return new MessageHeader(payload, 0);
    const length = CMSG_HEADER_BYTES + fds.length * 4;
    const header = new MessageHeader(payload, align8(length));
    header.#setU64(CONTROL_AT, BigInt(length));
    header.#view.setInt32(CONTROL_AT + 8, SOL_SOCKET, LITTLE_ENDIAN);
    header.#view.setInt32(CONTROL_AT + 12, SCM_RIGHTS, LITTLE_ENDIAN);
    fds.forEach((fd, index) => {
      const at = CONTROL_AT + CMSG_HEADER_BYTES + index * 4;
      header.#view.setInt32(at, fd, LITTLE_ENDIAN);
    });
    return header;
  }

  /** A header that receives into `payload`, with room for as many fds as a message can carry. */
  static receiving(payload: Bytes): MessageHeader {
    return new MessageHeader(payload, align8(CMSG_HEADER_BYTES + MAX_FDS * 4));
  }

  /** `msg_flags`, as recvmsg left it. */
  get flags(): number {
    return this.#view.getInt32(48, LITTLE_ENDIAN);
  }

  /** The fds that recvmsg left in the control messages: this process owns each of them now. */
  receivedFds(): number[] {
    const fds: number[] = [];
    for (const { from, to } of this.#controlMessages(SCM_RIGHTS)) {
      for (let at = from; at + 4 <= to; at += 4) fds.push(this.#view.getInt32(at, LITTLE_ENDIAN));
    }
    return fds;
  }

  /** The sender's pid, from the `struct ucred { i32 pid@0, ... }` of a socket that passes credentials. */
  receivedPid(): number | undefined {
    const [ucred] = this.#controlMessages(SCM_CREDENTIALS);
    return ucred && this.#view.getInt32(ucred.from, LITTLE_ENDIAN);
  }

  /** Where the data of each control message of that type begins and ends. */
  *#controlMessages(type: number): Generator<{ from: number; to: number }> {
    const controlBytes = Number(this.#view.getBigUint64(40, LITTLE_ENDIAN));
    // Lengths are never taken for more than there is room: align8 counts in 32 bits.
    const end = Math.min(CONTROL_AT + controlBytes, this.bytes.length);
    let at = CONTROL_AT;
    while (at + CMSG_HEADER_BYTES <= end) {
      const length = Number(this.#view.getBigUint64(at, LITTLE_ENDIAN));
      if (length < CMSG_HEADER_BYTES || at + length > end) break;
      if (this.#isOf(at, type)) yield { from: at + CMSG_HEADER_BYTES, to: at + length };
      at += align8(length);
    }
  }

  #isOf(at: number, type: number): boolean {
    return this.#view.getInt32(at + 8, LITTLE_ENDIAN) === SOL_SOCKET &&
      this.#view.getInt32(at + 12, LITTLE_ENDIAN) === type;
  }

  #setU64(at: number, value: bigint): void {
    this.#view.setBigUint64(at, value, LITTLE_ENDIAN);
  }
}

/** An `int` that libc reads or writes. */
export class IntCell {
  readonly bytes: Bytes = new Uint8Array(4);
  readonly #view = new DataView(this.bytes.buffer);

  constructor(value = 0) {
    this.#view.setInt32(0, value, LITTLE_ENDIAN);
  }

  /** What stands there now. */
  get value(): number {
    return this.#view.getInt32(0, LITTLE_ENDIAN);
  }
}

/** `sigset_t`, 128 bytes of which Linux uses the first 64 bits. */
export function signalSet(contents: "none" | "all"): Bytes {
  const set = new Uint8Array(128);
  if (contents === "all") set.fill(0xff, 0, 8);
  return set;
}

/** Memory for a `posix_spawn_file_actions_t` (80 bytes in glibc) or a `posix_spawnattr_t` (336). */
export function opaqueSpawnStruct(): Bytes {
  return new Uint8Array(512);
}
