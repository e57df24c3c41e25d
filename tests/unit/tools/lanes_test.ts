import { assert, assertEquals } from "@std/assert";
import { planOf } from "../../../tools/lanes.ts";

async function stagesOf(name: "all" | "integration" | "vm"): Promise<string[][]> {
  const { stages } = await planOf(name);
  return stages.map((stage) => stage.map((lane) => lane.name));
}

Deno.test("planOf: everything is the gate, and each lane that can be run by itself", async () => {
  const all = (await stagesOf("all")).flat();
  assertEquals(new Set(all).size, all.length);
  const alone = [...await stagesOf("vm"), ...await stagesOf("integration")].flat();
  for (const name of [...alone, "unit", "doc", "cli", "browser", "drill", "bench"]) {
    assert(all.includes(name), name);
  }
});

Deno.test("planOf: what goes by deadlines has the machine to itself", async () => {
  for (const stage of await stagesOf("all")) {
    const heavy = stage.some((name) =>
      ["integration", "one-guest", "two-guests", "drill"].includes(name)
    );
    if (heavy) assertEquals(stage.length, 1, stage.join(", "));
  }
});

Deno.test("planOf: the drill is thin where everything is tested, and the same each time", async () => {
  const { stages } = await planOf("all");
  const args = stages.flat().find(({ name }) => name === "drill")?.args ?? [];
  assert(args.includes("--thin") && args.join(" ").includes("--seed 1"), args.join(" "));
});
