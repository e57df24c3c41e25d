import { assertEquals, assertThrows } from "@std/assert";
import {
  cString,
  cStringArray,
  MessageHeader,
  sockaddrIn,
  sockaddrUn,
} from "../../../src/sys/layouts.ts";

Deno.test("cString: refuses a NUL, which would cut the text off", () => {
  assertThrows(() => cString("a\0b"), TypeError, "holds a NUL");
});

Deno.test("cStringArray: pointers to each string, then NULL", () => {
  const texts = ["criu", "", "ä b"];
  const memory = cStringArray(texts);
  const view = new DataView(memory.buffer);
  const read = texts.map((_, index) => {
    const pointer = Deno.UnsafePointer.create(view.getBigUint64(index * 8, true));
    return pointer && new Deno.UnsafePointerView(pointer).getCString();
  });
  assertEquals(read, texts);
  assertEquals(view.getBigUint64(texts.length * 8, true), 0n);
});

Deno.test("sockaddrUn: takes 107 bytes of path and no more", () => {
  assertEquals(sockaddrUn("x".repeat(107))[2 + 107], 0);
  assertThrows(() => sockaddrUn("x".repeat(108)), TypeError, "longer than 107 bytes");
});

Deno.test("sockaddrIn: family, then port and address in network order", () => {
  const hex = (host: string) => sockaddrIn({ host, port: 7284 }).toHex();
  assertEquals(hex("10.0.0.255"), "02001c740a0000ff0000000000000000");
  assertEquals(hex("2001:db8::a:1"), "0a001c740000000020010db80000000000000000000a000100000000");
  assertEquals(hex("::"), "0a001c74" + "00".repeat(24));
  assertEquals(hex("::ffff:1.2.3.4"), "0a001c740000000000000000000000000000ffff0102030400000000");
  assertEquals(
    hex("1:2:3:4:5:6:7:8"),
    "0a001c7400000000000100020003000400050006000700080000" + "0000",
  );
});

Deno.test("sockaddrIn: refuses what is no address", () => {
  for (const host of ["", "dst", "1.2.3", "1.2.3.256", "1.2.3.x", "::1::", "g::1"]) {
    assertThrows(() => sockaddrIn({ host, port: 1 }), TypeError, "no IP address");
  }
});

Deno.test("MessageHeader: fds that were put in can be taken out", () => {
  const fds = [3, 4, 250];
  assertEquals(MessageHeader.sending(new Uint8Array(1), fds).receivedFds(), fds);
  assertEquals(MessageHeader.sending(new Uint8Array(1), []).receivedFds(), []);
});

Deno.test("MessageHeader: a control message that claims too much yields no fds", () => {
  const header = MessageHeader.sending(new Uint8Array(1), [3]);
  new DataView(header.bytes.buffer).setBigUint64(72, 4096n, true);
  assertEquals(header.receivedFds(), []);
});
