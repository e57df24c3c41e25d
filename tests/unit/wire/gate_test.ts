import { assertEquals, assertInstanceOf } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { Gate } from "../../../src/wire/mod.ts";
import { networkOf } from "../../../src/wire/gate.ts";

/** Whether each place is still held. */
function held(places: readonly { readonly signal: AbortSignal }[]): boolean[] {
  return places.map(({ signal }) => !signal.aborted);
}

Deno.test("Gate: as many as may be are left alone, and places are given back", () => {
  const gate = new Gate(2);
  for (let round = 0; round < 5; round++) {
    using one = gate.enter("10.0.0.1:1");
    using other = gate.enter("10.0.0.2:1");
    assertEquals(held([one, other]), [true, true]);
    assertEquals(gate.count, 2);
  }
  assertEquals(gate.count, 0);
});

Deno.test("Gate: a flood from one host crowds out itself, the oldest first", () => {
  const gate = new Gate(4);
  using source = gate.enter("10.0.0.2:1");
  const flood = Array.from({ length: 1000 }, (_, port) => gate.enter(`10.0.0.1:${port}`));
  assertEquals(held([source]), [true]);
  assertEquals(held(flood.slice(-4)), [false, true, true, true]);
  assertEquals(held(flood).filter(Boolean).length, 3);
  assertEquals(gate.count, 4);
});

Deno.test("Gate: a source that comes into a flood takes a place of the flood's", () => {
  const gate = new Gate(4);
  const flood = Array.from({ length: 4 }, (_, port) => gate.enter(`10.0.0.1:${port}`));
  using source = gate.enter("10.0.0.2:1");
  assertEquals(held([source]), [true]);
  assertEquals(held(flood), [false, true, true, true]);
});

Deno.test("Gate: an IPv6 network counts as one host", () => {
  const gate = new Gate(3);
  using source = gate.enter("[2001:db8:2::1]:1");
  for (let host = 1; host < 100; host++) gate.enter(`[2001:db8:1::${host}]:1`);
  assertEquals(held([source]), [true]);
});

Deno.test("Gate: whoever is shown out is told why, and leaving after that changes nothing", () => {
  const gate = new Gate(1);
  const first = gate.enter("10.0.0.1:1");
  using _second = gate.enter("10.0.0.1:2");
  assertInstanceOf(first.signal.reason, PhaulError);
  assertEquals(first.signal.reason.code, "busy");
  first[Symbol.dispose]();
  assertEquals(gate.count, 1);
});

Deno.test("networkOf: an IPv4 address, or the first half of one of IPv6, however it is written", () => {
  assertEquals(networkOf("10.0.0.1:7284"), "10.0.0.1");
  assertEquals(networkOf("[::ffff:10.0.0.1]:7284"), "::ffff:10.0.0.1");
  assertEquals(networkOf("[2001:db8:1:2:3:4:5:6]:1"), "2001:db8:1:2");
  assertEquals(networkOf("[2001:db8::6]:1"), "2001:db8:0:0");
  assertEquals(networkOf("[2001:db8:1:2::6]:1"), "2001:db8:1:2");
  assertEquals(networkOf("[::1]:1"), "0:0:0:0");
});
