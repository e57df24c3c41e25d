/** Captures in pcap form, read while QEMU still writes them. */

/** One UDP datagram of a capture. */
export interface CapturedDatagram {
  /** The capture's own clock, milliseconds. */
  readonly timeMs: number;
  /** IPv4 address of the sender, dotted. */
  readonly source: string;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
}

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const ETHERNET = 14;
const IPV4 = 0x0800;
const UDP = 17;

/** Follows one capture file. */
export class PcapFollower {
  readonly path: string;
  #offset = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** The datagrams that were captured since the last call. A file not yet there holds none. */
  async next(): Promise<CapturedDatagram[]> {
    const bytes = await this.#unread();
    let at = 0;
    if (this.#offset === 0) {
      if (bytes.length < FILE_HEADER) return [];
      if (view(bytes).getUint32(0, true) !== MAGIC_MICROSECONDS) {
        throw new Error(`Cannot read "${this.path}": not a pcap file`);
      }
      at = FILE_HEADER;
    }
    const found: CapturedDatagram[] = [];
    while (at + RECORD_HEADER <= bytes.length) {
      const header = view(bytes.subarray(at, at + RECORD_HEADER));
      const end = at + RECORD_HEADER + header.getUint32(8, true);
      if (end > bytes.length) break;
      const timeMs = header.getUint32(0, true) * 1000 + header.getUint32(4, true) / 1000;
      const datagram = parseFrame(bytes.subarray(at + RECORD_HEADER, end), timeMs);
      if (datagram) found.push(datagram);
      at = end;
    }
    this.#offset += at;
    return found;
  }

  async #unread(): Promise<Uint8Array> {
    try {
      using file = await Deno.open(this.path);
      const { size } = await file.stat();
      const bytes = new Uint8Array(Math.max(0, size - this.#offset));
      await file.seek(this.#offset, Deno.SeekMode.Start);
      let at = 0;
      while (at < bytes.length) {
        const n = await file.read(bytes.subarray(at));
        if (n === null) break;
        at += n;
      }
      return bytes.subarray(0, at);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return new Uint8Array();
      throw error;
    }
  }
}

function parseFrame(frame: Uint8Array, timeMs: number): CapturedDatagram | undefined {
  if (frame.length < ETHERNET + 28 || view(frame).getUint16(12) !== IPV4) return undefined;
  const ip = frame.subarray(ETHERNET);
  if (ip[9] !== UDP) return undefined;
  const headerBytes = ((ip[0] ?? 0) & 0x0f) * 4;
  const udp = ip.subarray(headerBytes);
  if (udp.length < 8) return undefined;
  return {
    timeMs,
    source: ip.subarray(12, 16).join("."),
    destinationPort: view(udp).getUint16(2),
    payload: udp.subarray(8, view(udp).getUint16(4)),
  };
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
