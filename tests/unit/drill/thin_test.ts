import { assert, assertEquals } from "@std/assert";
import { type Extent, turnsOf } from "../../drill/choose.ts";
import { hostRows } from "../../drill/enumerate.ts";
import { laneRows, machineRows } from "../../drill/guest_rows.ts";
import { faultName, pairKey, type Row, rowName } from "../../drill/row.ts";
import { thinned } from "../../drill/thin.ts";

/** All rows of each place. */
const PLACES = { host: hostRows, lane: laneRows, machines: machineRows };

function rowsOf(place: keyof typeof PLACES, extent: Extent, seed: number = 1): Row[] {
  return turnsOf(PLACES[place](), { extent, filter: "", seed, repeat: 1 }).map(({ row }) => row);
}

/** Sorted, each once. */
function seen(rows: readonly Row[], what: (row: Row) => string): string[] {
  return [...new Set(rows.map(what))].sort();
}

const pairOf = ({ pair }: Row) => pairKey(pair);
const kindOf = ({ fault }: Row) => fault.kind;

for (const place of ["host", "lane", "machines"] as const) {
  Deno.test(`thin: ${place} comes by each pair of an ordinary run, with each kind of fault`, () => {
    const [thin, ordinary] = [rowsOf(place, "thin"), rowsOf(place, "ordinary")];
    assertEquals(seen(thin, pairOf), seen(ordinary, pairOf));
    assertEquals(seen(thin, kindOf), seen(ordinary, kindOf));
    assert(thin.every((row) => ordinary.some((one) => rowName(one) === rowName(row))));
  });
}

Deno.test("thin: on this host each part is killed and stopped, each disk filled, as ever", () => {
  const faults = (rows: readonly Row[]) =>
    seen(rows.filter(({ fault }) => fault.kind !== "message"), ({ fault }) => faultName(fault));
  assertEquals(faults(rowsOf("host", "thin")), faults(rowsOf("host", "ordinary")));
});

Deno.test("thin: each message suffers something, and each act of an ordinary run is done", () => {
  const messages = (rows: readonly Row[], what: "act" | "message") =>
    seen(rows, ({ fault }) => fault.kind === "message" ? fault[what] : "");
  for (const what of ["act", "message"] as const) {
    const thin = messages(rowsOf("host", "thin"), what);
    assertEquals(thin, messages(rowsOf("host", "ordinary"), what));
  }
});

Deno.test("thin: each machine is reset", () => {
  const faults = seen(rowsOf("machines", "thin"), ({ fault }) => faultName(fault));
  assertEquals(faults, ["reset the destination machine", "reset the source machine"]);
});

Deno.test("thin: is the same choice whatever the seed, and a third of the rows at most", () => {
  const names = (seed: number) => rowsOf("host", "thin", seed).map(rowName).sort();
  assertEquals(names(1), names(2));
  assert(names(1).length * 3 <= rowsOf("host", "ordinary").length, `${names(1).length}`);
});

Deno.test("thinned: needs none of its rows twice, and of nothing makes nothing", () => {
  const once = thinned(hostRows());
  assertEquals(new Set(once).size, once.length);
  assertEquals(thinned([]), []);
});
