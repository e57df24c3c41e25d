import { assert, assertEquals } from "@std/assert";
import {
  allPairs,
  DESTINATION_TABLE,
  type Side,
  SOURCE_TABLE,
} from "../../../src/migrate/tables.ts";
import { approaches } from "../../drill/approaches.ts";
import { type Extent, turnsOf } from "../../drill/choose.ts";
import { COURSE, destinationOf, entryOf } from "../../drill/course.ts";
import { faultsAt, hostRows } from "../../drill/enumerate.ts";
import { ACTS } from "../../drill/plan.ts";
import { LENDING_COURSE, postCopyRows } from "../../drill/post_copy_rows.ts";
import { pairKey, rowKey, rowName } from "../../drill/row.ts";

const ORDINARY = { extent: "ordinary" as Extent, filter: "", seed: 7, repeat: 1 };
/** What a run of every day has to have, told apart by state, event and fault. */
const MIN_ROWS = 150;

Deno.test("COURSE: follows both tables from their first state to the end", () => {
  for (const side of ["source", "destination"] as const) {
    const table = side === "source" ? SOURCE_TABLE : DESTINATION_TABLE;
    let state: string | undefined = Object.keys(table)[0];
    for (const pair of COURSE.filter((one) => one.side === side)) {
      assertEquals(pair.state, state, pairKey(pair));
      state = destinationOf(pair);
    }
    assertEquals(state, side === "source" ? "done" : "running");
  }
});

Deno.test("LENDING_COURSE: follows the source's table from the stopped tree to the commit", () => {
  let state: string | undefined = "intended";
  for (const pair of LENDING_COURSE) {
    assertEquals(pair.state, state, pairKey(pair));
    state = destinationOf(pair);
  }
  assertEquals(state, "committed");
});

Deno.test("postCopyRows: each pair of lent memory has some, in an ordinary run and in a thin one", () => {
  const wanted = LENDING_COURSE.map(pairKey).sort();
  for (const extent of ["ordinary", "thin"] as const) {
    const rows = turnsOf(hostRows(), { ...ORDINARY, extent }).map(({ row }) => row);
    const lent = rows.filter(({ mode }) => mode === "post-copy");
    const pairs = [...new Set(lent.map(({ pair }) => pairKey(pair)))];
    assertEquals(pairs.filter((key) => wanted.includes(key)).sort(), wanted, extent);
    assert(lent.some(({ inDrain }) => inDrain) && lent.some((row) => row.expected === "lost"));
  }
  assertEquals(new Set(postCopyRows().map(rowKey)).size, postCopyRows().length);
});

Deno.test("entryOf: is the step that leads into a state, and none for the first one", () => {
  const entry = entryOf("source", "intended");
  assertEquals(entry && pairKey(entry), "source frozen ready");
  assertEquals(entryOf("source", "checked"), undefined);
});

Deno.test("approaches: lead to pairs that the tables know", () => {
  const known = new Set(allPairs().map(pairKey));
  const unknown = approaches().map(({ pair }) => pairKey(pair)).filter((key) => !known.has(key));
  assertEquals(unknown, []);
});

Deno.test("hostRows: has each key once, and each message with each act", () => {
  const rows = hostRows();
  const keys = rows.map(rowKey);
  assertEquals(new Set(keys).size, keys.length);
  const messages = rows.flatMap(({ fault }) => fault.kind === "message" ? [fault] : []);
  for (const message of new Set(messages.map((fault) => fault.message))) {
    const acts = messages.filter((fault) => fault.message === message).map((fault) => fault.act);
    assertEquals([...new Set(acts)].sort(), [...ACTS].sort(), message);
  }
});

Deno.test("faultsAt: kills each phaul at every pair of the course", () => {
  for (const pair of COURSE) {
    for (const part of ["source phaul", "destination phaul"] as const) {
      const killed = faultsAt(pair).some((fault) => fault.kind === "kill" && fault.part === part);
      assert(killed, `${part} at ${pairKey(pair)}`);
    }
  }
});

Deno.test("turnsOf: an ordinary run has enough rows on this host alone", () => {
  const rows = new Set(turnsOf(hostRows(), ORDINARY).map(({ row }) => rowKey(row)));
  assert(rows.size >= MIN_ROWS, `${rows.size}`);
});

Deno.test("turnsOf: a seed gives the same order again, another one another order", () => {
  const order = (seed: number) =>
    turnsOf(hostRows(), { ...ORDINARY, seed }).map(({ row }) => rowName(row));
  assertEquals(order(7), order(7));
  assert(order(7).join() !== order(8).join());
  assertEquals(order(7).sort(), order(8).sort());
});

Deno.test("turnsOf: repeats, filters, and takes all when it is told to", () => {
  const count = (changes: Partial<typeof ORDINARY>) =>
    turnsOf(hostRows(), { ...ORDINARY, ...changes }).length;
  assertEquals(count({ repeat: 3 }), count({}) * 3);
  assertEquals(count({ extent: "all" }), hostRows().length);
  assertEquals(count({ filter: "source frozen ready: kill tree" }), 1);
});

Deno.test("hostRows: comes by every state that a migration can be in", () => {
  const states = (side: Side) =>
    new Set(hostRows().filter(({ pair }) => pair.side === side).map(({ pair }) => pair.state));
  for (const state of ["checked", "copying", "dumping", "frozen", "intended", "committed"]) {
    assert(states("source").has(state), state);
  }
  for (const state of ["receiving", "restoring", "prepared", "lost", "resuming", "reviving"]) {
    assert(states("destination").has(state), state);
  }
});
