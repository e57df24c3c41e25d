import { assertEquals, assertThrows } from "@std/assert";
import { ValueError } from "../../../src/cli/flags.ts";
import {
  bitRate,
  byteSize,
  durationAsMs,
  filePath,
  fileStrategy,
  listenAddress,
  oneOf,
  peerAddress,
  programPath,
  secondsAsMs,
  wholeNumber,
} from "../../../src/cli/values.ts";

function refuses(read: (text: string) => unknown, ...texts: string[]): void {
  for (const text of texts) assertThrows(() => read(text), ValueError, "", `took "${text}"`);
}

Deno.test("wholeNumber: takes what lies within its bounds", () => {
  const read = wholeNumber(1, 4_194_304);
  assertEquals([read("1"), read("0010"), read("4194304")], [1, 10, 4_194_304]);
  refuses(
    read,
    "0",
    "4194305",
    "-1",
    "1.5",
    "1e3",
    "0x10",
    " 1",
    "99999999999999999999",
    "abc",
    "١",
  );
});

Deno.test("byteSize: takes CRIU's units", () => {
  assertEquals([byteSize("0"), byteSize("4096"), byteSize("64K")], [0, 4096, 65_536]);
  assertEquals([byteSize("16M"), byteSize("2G")], [16 * 2 ** 20, 2 * 2 ** 30]);
  refuses(byteSize, "", "K", "1k", "1T", "1.5M", "-1", "9999999999G");
});

Deno.test("secondsAsMs: takes fractions and refuses what no timer can hold", () => {
  assertEquals([secondsAsMs("30"), secondsAsMs("0.25"), secondsAsMs("86400")], [
    30_000,
    250,
    86_400_000,
  ]);
  refuses(secondsAsMs, "0", "0.0001", "86401", "-1", "1s", ".5", "1e3", "Infinity", "NaN");
});

Deno.test("oneOf: takes its choices only", () => {
  assertEquals(oneOf(["soft", "full"])("full"), "full");
  refuses(oneOf(["soft", "full"]), "Full", "", "constructor");
});

Deno.test("peerAddress: takes names, IPv4 and IPv6, with a port or without", () => {
  const expected: Record<string, [string, number]> = {
    "dst": ["dst", 7284],
    "dst.example.org:9000": ["dst.example.org", 9000],
    "10.0.0.2": ["10.0.0.2", 7284],
    "10.0.0.2:1": ["10.0.0.2", 1],
    "fe80::1": ["fe80::1", 7284],
    "fe80::1%eth0": ["fe80::1%eth0", 7284],
    "[fe80::1]": ["fe80::1", 7284],
    "[fe80::1%eth0]:65535": ["fe80::1%eth0", 65_535],
  };
  for (const [text, [host, port]] of Object.entries(expected)) {
    assertEquals(peerAddress(text), { host, port });
  }
  refuses(peerAddress, "dst:0", "dst:65536", "dst:x", "dst:", ":7284", "[::1", "a b", "[::1]7284");
});

Deno.test("listenAddress: takes a port, with an address or without; 0 too", () => {
  assertEquals(listenAddress("7284"), { host: "0.0.0.0", port: 7284 });
  assertEquals(listenAddress(":0"), { host: "0.0.0.0", port: 0 });
  assertEquals(listenAddress("10.0.0.2:80"), { host: "10.0.0.2", port: 80 });
  assertEquals(listenAddress("[::]:7284"), { host: "::", port: 7284 });
  refuses(listenAddress, "localhost", "65536", "10.0.0.2:", "::1", "a b:1", "");
});

Deno.test("filePath, programPath: become absolute, but for a name to be looked up", () => {
  assertEquals(filePath("a/b"), `${Deno.cwd()}/a/b`);
  assertEquals(filePath("/a"), "/a");
  assertEquals(programPath("criu"), "criu");
  assertEquals(programPath("./criu"), `${Deno.cwd()}/./criu`);
  refuses(filePath, "a\0b");
});

Deno.test("bitRate: takes bits per second in decimal units, as bytes", () => {
  assertEquals([bitRate("256kbit"), bitRate("1Gbit"), bitRate("1gbit")], [
    ...[32_000, 125_000_000, 125_000_000],
  ]);
  assertEquals(bitRate("2.5Mbit"), 312_500);
  refuses(bitRate, "", "1", "1G", "0Mbit", "255kbit", "-1Mbit", "1 Mbit", "1e3Mbit", "99999Gbit");
});

Deno.test("durationAsMs: takes a time with its unit", () => {
  assertEquals([durationAsMs("300ms"), durationAsMs("2s"), durationAsMs("0.5s")], [300, 2000, 500]);
  refuses(durationAsMs, "", "300", "0ms", "0.0001s", "1m", "-1s", "1e3ms", "86401s", "1 s");
});

Deno.test("fileStrategy: takes paths that can be written in one way only", () => {
  assertEquals(fileStrategy("shared"), { kind: "shared" });
  assertEquals(fileStrategy("tree:/srv/a b/"), {
    ...{ kind: "tree", path: "/srv/a b", target: "/srv/a b" },
  });
  refuses(fileStrategy, "", "all", "tree", "tree:", "tree:srv", "tree:/", "tree:/a/../b", "exec:");
  refuses(fileStrategy, "tree:/a//b", "tree:/a/.", "tree:/a:/b:/c", "tree:/a:b", "open:/a");
});
