import { assertEquals } from "@std/assert";
import { Complaints } from "../../../src/haul/complaints.ts";

Deno.test("Complaints: a few are told as they come, a flood as its number", () => {
  const told: string[] = [];
  {
    using complaints = new Complaints((message) => told.push(message));
    for (let count = 1; count <= 1000; count++) complaints.add(`refused ${count}`);
    assertEquals(told.length, 20);
    assertEquals(told[19], "refused 20");
  }
  assertEquals(told.slice(20), ["Refused 980 more connections"]);
});

Deno.test("Complaints: without a flood nothing is added", () => {
  const told: string[] = [];
  {
    using complaints = new Complaints((message) => told.push(message));
    complaints.add("one");
  }
  assertEquals(told, ["one"]);
});
