import { assertEquals } from "@std/assert";
import { corrupted, type Plan, PlanKeeper } from "../../drill/plan.ts";

const PLAN: Plan = {
  id: "a",
  direction: "to-destination",
  message: "commit",
  nth: 2,
  act: "lose",
  place: 0,
};

Deno.test("PlanKeeper: takes the wanted message of the wanted direction, once", () => {
  const keeper = new PlanKeeper();
  keeper.load(PLAN);
  assertEquals(keeper.take("to-source", "commit"), undefined);
  assertEquals(keeper.take("to-destination", "abort"), undefined);
  assertEquals(keeper.take("to-destination", "commit"), undefined);
  assertEquals(keeper.take("to-destination", "commit"), PLAN);
  assertEquals(keeper.take("to-destination", "commit"), undefined);
});

Deno.test("PlanKeeper: counts anew for a new plan only", () => {
  const keeper = new PlanKeeper();
  keeper.load(PLAN);
  keeper.take("to-destination", "commit");
  keeper.load({ ...PLAN });
  assertEquals(keeper.take("to-destination", "commit")?.id, "a");
  keeper.load({ ...PLAN, id: "b", nth: 1 });
  assertEquals(keeper.take("to-destination", "commit")?.id, "b");
  keeper.load(undefined);
  assertEquals(keeper.take("to-destination", "commit"), undefined);
});

Deno.test("corrupted: turns exactly one bit over, wherever it is told to", () => {
  const payload = Uint8Array.of(0, 0xff, 7);
  for (const place of [0, 0.3, 0.6, 0.999]) {
    const other = corrupted(payload, place);
    const turned = [...other].map((byte, index) => (byte ^ (payload[index] ?? 0)).toString(2));
    assertEquals(turned.join("").replaceAll("0", ""), "1");
  }
  assertEquals(corrupted(new Uint8Array(), 0.5), Uint8Array.of(1));
});
