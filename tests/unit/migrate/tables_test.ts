import { assert, assertEquals } from "@std/assert";
import {
  allPairs,
  DESTINATION_FINAL,
  DESTINATION_TABLE,
  SOURCE_FINAL,
  SOURCE_TABLE,
} from "../../../src/migrate/tables.ts";
import { explore, type World } from "./model.ts";

/** The victim as it looks from outside: thawed with SIGSTOP queued means stopped. */
function runs(world: World): boolean {
  return world.victim === "running" && !world.stopQueued;
}

const exploration = explore(3);

Deno.test("tables: no order of events reaches a pair called impossible", () => {
  assertEquals(exploration.defects.slice(0, 5), []);
});

Deno.test("tables: never do both copies run", () => {
  const doubles = exploration.doubles.filter(runs);
  assertEquals(doubles.slice(0, 1), []);
  assert(exploration.worlds > 1000, `explored only ${exploration.worlds} worlds`);
});

Deno.test("tables: in the end one copy runs, or the source says that it is in doubt", () => {
  const stuck = exploration.ends.filter((world) =>
    !runs(world) && world.copy !== "running" &&
    !(world.source === "in-doubt" && world.victim === "dead")
  );
  assertEquals(stuck.slice(0, 1), []);
});

Deno.test("tables: a source that is done has its tree running on the destination", () => {
  const wrong = exploration.ends.filter((w) => w.source === "done" && w.copy !== "running");
  assertEquals(wrong.slice(0, 1), []);
});

Deno.test("tables: an aborted source runs its tree, none of it left stopped", () => {
  const wrong = exploration.ends.filter((w) => w.source === "aborted" && !runs(w));
  assertEquals(wrong.slice(0, 1), []);
});

Deno.test("tables: the destination runs the tree only after the source's commit was written", () => {
  const wrong = exploration.ends.filter((w) => w.copy === "running" && !w.commitWritten);
  assertEquals(wrong.slice(0, 1), []);
});

Deno.test("tables: every state is reached by some order of events", () => {
  const reached = new Set([...exploration.rows].map((row) => row.split(" ").slice(0, 2).join(" ")));
  for (const state of Object.keys(SOURCE_TABLE)) assert(reached.has(`source ${state}`), state);
  for (const state of Object.keys(DESTINATION_TABLE)) {
    assert(reached.has(`destination ${state}`), state);
  }
});

Deno.test("tables: final states of the source are never left", () => {
  for (const state of SOURCE_FINAL) {
    for (const row of Object.values(SOURCE_TABLE[state])) {
      assert(row !== "impossible" && row.to === state);
    }
  }
});

Deno.test("tables: a destination that runs or has discarded stays so", () => {
  for (const state of DESTINATION_FINAL) {
    if (state === "stranded") continue;
    for (const row of Object.values(DESTINATION_TABLE[state])) {
      assert(row !== "impossible" && row.to === state);
    }
  }
});

Deno.test("allPairs: names every row that is not impossible once", () => {
  const names = allPairs().map((p) => `${p.side} ${p.state} ${p.event}`);
  assertEquals(new Set(names).size, names.length);
  assert(names.includes("source intended written"));
  assert(!names.includes("source checked dumped"));
});
