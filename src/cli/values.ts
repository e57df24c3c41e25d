/**
 * What may stand behind a flag: numbers, sizes, times, addresses and paths.
 *
 * @module
 */

import { DEFAULT_PORT, type FileStrategy, type HostAddress } from "../haul/options.ts";
import { type Reader, ValueError } from "./flags.ts";

/** More than this no destination takes; see docs/protocol.md. */
const MAX_COMMAND = 65_536;

const MAX_PORT = 65_535;
const KIB = 1024;
const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  K: KIB,
  M: KIB ** 2,
  G: KIB ** 3,
};

/** A whole number from `min` to `max`. */
export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER): Reader<number> {
  return (text) => {
    if (!/^\d+$/.test(text)) throw new ValueError("it is not a whole number");
    return within(Number(text), min, max);
  };
}

function within(value: number, min: number, max: number): number {
  if (value < min) throw new ValueError(`it is less than ${min}`);
  if (value > max) throw new ValueError(`it is more than ${max}`);
  return value;
}

/**
 * Bytes, with K, M or G for powers of 1024 as CRIU has them.
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(byteSize("64K"), 65_536);
 * ```
 */
export function byteSize(text: string): number {
  const [, digits = "", unit = ""] = /^(\d+)([KMG]?)$/.exec(text) ?? [];
  const factor = SIZE_UNITS[unit];
  if (digits === "" || factor === undefined) {
    throw new ValueError("it is not a size such as 4096, 64K, 16M or 1G");
  }
  return within(Number(digits) * factor, 0, Number.MAX_SAFE_INTEGER);
}

/** Below this a chunk takes so long that a link which works looks like one that stands still. */
const MIN_BITS_PER_SECOND = 256_000;
const MAX_BITS_PER_SECOND = 1e13;
const RATE_UNITS: Readonly<Record<string, number>> = { kbit: 1e3, mbit: 1e6, gbit: 1e9 };

/**
 * A rate such as `1Gbit`, as bytes per second; the units are decimal, as those of links are.
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(bitRate("1.5Gbit"), 187_500_000);
 * ```
 */
export function bitRate(text: string): number {
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?)([kmg]bit)$/i.exec(text) ?? [];
  const factor = RATE_UNITS[unit.toLowerCase()];
  if (digits === "" || factor === undefined) {
    throw new ValueError("it is not a rate such as 500kbit, 100Mbit or 1Gbit");
  }
  const bits = Number(digits) * factor;
  if (bits < MIN_BITS_PER_SECOND) throw new ValueError("it is less than 256kbit");
  if (bits > MAX_BITS_PER_SECOND) throw new ValueError("it is more than 10000Gbit");
  return Math.round(bits / 8);
}

/** Seconds, fractions allowed, as milliseconds; more than none and at most a day. */
export function secondsAsMs(text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new ValueError("it is not a number of seconds");
  const ms = Math.round(Number(text) * 1000);
  if (ms < 1) throw new ValueError("a deadline cannot be that short");
  // Also keeps clear of the 2^31 ms beyond which a timer would fire at once.
  if (ms > 86_400_000) throw new ValueError("it is more than a day");
  return ms;
}

const TIME_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000 };

/**
 * A time with its unit, as milliseconds: more than none and at most a day.
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([durationAsMs("300ms"), durationAsMs("1.5s")], [300, 1500]);
 * ```
 */
export function durationAsMs(text: string): number {
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(text) ?? [];
  const factor = TIME_UNITS[unit];
  if (digits === "" || factor === undefined) {
    throw new ValueError("it is not a time such as 300ms or 1.5s");
  }
  return within(Math.round(Number(digits) * factor), 1, 86_400_000);
}

/** One of `choices`. */
export function oneOf<T extends string>(choices: readonly T[]): Reader<T> {
  const read = (text: string) => {
    const choice = choices.find((one) => one === text);
    if (choice === undefined) throw new ValueError(`it is none of ${choices.join(", ")}`);
    return choice;
  };
  return Object.assign(read, { choices });
}

/**
 * `HOST`, `HOST:PORT`, `[V6]`, `[V6]:PORT` or a bare IPv6 address.
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(peerAddress("dst"), { host: "dst", port: 7284 });
 * assertEquals(peerAddress("[fe80::1]:9000"), { host: "fe80::1", port: 9000 });
 * ```
 */
export function peerAddress(text: string): HostAddress {
  const bare = text.split(":").length > 2 && !text.startsWith("[");
  const { host, port } = bare ? { host: text, port: "" } : splitAddress(text);
  if (host === "") throw new ValueError("it names no host");
  return { host, port: port === "" ? DEFAULT_PORT : readPort(port, 1) };
}

/**
 * `PORT`, `:PORT`, `ADDR:PORT` or `[V6]:PORT`; port 0 lets the system choose.
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(listenAddress("9000"), { host: "0.0.0.0", port: 9000 });
 * ```
 */
export function listenAddress(text: string): HostAddress {
  if (/^\d+$/.test(text)) return { host: ANY_ADDRESS, port: readPort(text, 0) };
  const { host, port } = splitAddress(text);
  if (port === "") throw new ValueError("it names no port; [ADDR:]PORT is expected");
  return { host: host === "" ? ANY_ADDRESS : host, port: readPort(port, 0) };
}

/**
 * The same, but an address of this host alone where none is named.
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(localAddress("9100"), { host: "127.0.0.1", port: 9100 });
 * ```
 */
export function localAddress(text: string): HostAddress {
  const bare = /^:?(\d+)$/.exec(text)?.[1];
  return bare === undefined ? listenAddress(text) : { host: "127.0.0.1", port: readPort(bare, 1) };
}

/** Every IPv4 address of this host. */
export const ANY_ADDRESS = "0.0.0.0";

function splitAddress(text: string): { host: string; port: string } {
  const { v6, host, port = "" } =
    /^(?:\[(?<v6>[0-9A-Fa-f:.%\w]+)\]|(?<host>[^:[\]\s]*))(?::(?<port>.+))?$/.exec(text)?.groups ??
      {};
  const found = v6 ?? host;
  if (found === undefined) throw new ValueError("it is not an address such as dst:7284");
  return { host: found, port };
}

function readPort(text: string, min: number): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  if (port < min || port > MAX_PORT) {
    throw new ValueError(`its port is not a number from ${min} to ${MAX_PORT}`);
  }
  return port;
}

/** A file or folder, made absolute: children of phaul run elsewhere. */
export function filePath(text: string): string {
  if (text.includes("\0")) throw new ValueError("it holds a NUL");
  return text.startsWith("/") ? text : `${Deno.cwd()}/${text}`;
}

/**
 * Which files come along: `shared`, `open`, `tree:PATH[:DEST]` or `exec:PROGRAM`.
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(fileStrategy("tree:/srv/a:/srv/b"), {
 *   kind: "tree",
 *   path: "/srv/a",
 *   target: "/srv/b",
 * });
 * ```
 */
export function fileStrategy(text: string): FileStrategy {
  if (text === "shared" || text === "open") return { kind: text };
  const [, kind, rest = ""] = /^(tree|exec):(.+)$/s.exec(text) ?? [];
  if (kind === "exec") return { kind, program: programPath(nonEmpty(rest)) };
  if (kind !== "tree") {
    throw new ValueError("it is none of shared, open, tree:PATH[:DEST], exec:PROGRAM");
  }
  const [path = "", target = path, ...more] = rest.split(":").map((one) => one.replace(/\/+$/, ""));
  const odd = [path, target].find((one) =>
    !/^(\/[^/\0]+)+$/.test(one) || /\/\.\.?(\/|$)/.test(one)
  );
  if (odd !== undefined || more.length > 0) {
    throw new ValueError("PATH and DEST are to be absolute, without .. and without a colon");
  }
  return { kind, path, target };
}

/** A program: a path, made absolute, or a plain name for PATH. */
export function programPath(text: string): string {
  return text.includes("/") ? filePath(text) : text;
}

/** A name, or anything else that a program takes as it stands. */
export function nonEmpty(text: string): string {
  if (text.includes("\0")) throw new ValueError("it holds a NUL");
  if (text === "") throw new ValueError("it is empty");
  return text;
}

/** A command for a shell, of which a peer may be asked to run it. */
export function shellCommand(text: string): string {
  if (text.length > MAX_COMMAND) {
    throw new ValueError(`it is longer than ${MAX_COMMAND} characters`);
  }
  return nonEmpty(text);
}
