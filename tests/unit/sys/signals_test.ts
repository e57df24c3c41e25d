import { assertEquals } from "@std/assert";
import { signalName, signalNumber } from "../../../src/sys/mod.ts";

Deno.test("signalNumber: the numbers of Linux", () => {
  assertEquals(signalNumber("SIGKILL"), 9);
  assertEquals(signalNumber("SIGCONT"), 18);
  assertEquals(signalNumber("SIGSTOP"), 19);
});

Deno.test("signalName: the way back, and the number for a real-time signal", () => {
  assertEquals(signalName(15), "SIGTERM");
  assertEquals(signalName(40), "signal 40");
});
