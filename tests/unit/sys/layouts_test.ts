import { assertEquals, assertThrows } from "@std/assert";
import { cString, cStringArray, MessageHeader, sockaddrUn } from "../../../src/sys/layouts.ts";

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
