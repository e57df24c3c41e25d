import { assertEquals } from "@std/assert";
import { Errno, inRepairMode, loadLibc, setRepairMode, streamPair } from "../../../src/sys/mod.ts";
import { syscallErrorOf } from "./helpers.ts";

loadLibc();

Deno.test("inRepairMode, setRepairMode: a socket that is not of TCP is refused", async () => {
  const [one, other] = streamPair();
  using socket = one;
  using _other = other;
  const expected = Errno.EOPNOTSUPP;
  assertEquals((await syscallErrorOf(() => inRepairMode(socket))).errno, expected);
  assertEquals((await syscallErrorOf(() => setRepairMode(socket, true))).errno, expected);
});
