import { assert, assertEquals, assertThrows } from "@std/assert";
import { allPairs } from "../../../src/migrate/tables.ts";
import { diagram, FAILURE_DOC, withTables } from "../../../tools/failure_doc.ts";
import { ROOT } from "../../../tools/process.ts";

const text = await Deno.readTextFile(`${ROOT}${FAILURE_DOC}`);

Deno.test("docs/failure.md: holds the state tables as they are", () => {
  assertEquals(
    text,
    withTables(text),
    "Write it anew: deno run -A tools/failure_doc.ts",
  );
});

Deno.test("docs/failure.md: has a row for each pair that is possible", () => {
  const lines = text.split("\n");
  for (const { side, state, event } of allPairs()) {
    const section = lines.slice(lines.indexOf(`### The ${side}`));
    const table = section.slice(section.findIndex((line) => line.startsWith(`| in \`${state}\``)));
    const rows = table.slice(2, table.indexOf(""));
    const row = rows.find((line) => line.split("|")[1]?.includes(`\`${event}\``));
    assert(row !== undefined && !row.includes("impossible"), `${side} ${state} ${event}`);
  }
});

Deno.test("docs/failure.md: tells of every event that a recovery begins with", () => {
  const [, recoveries = ""] = text.split("<!-- Recoveries: written by tools/failure_doc.ts -->");
  const [section = ""] = recoveries.split("<!-- End of the recoveries -->");
  const events = allPairs().map(({ event }) => event).filter((event) => event.startsWith("was-"));
  assert(events.length > 0);
  for (const event of events) assert(section.includes(`\`${event}\``), event);
});

Deno.test("docs/failure.md: tells whose the process is, and with what a journal ends, for each state", () => {
  const row = (start: string) =>
    text.split("\n").find((line) => line.startsWith(`| \`${start}\` `))
      ?.split("|").map((cell) => cell.trim()).slice(3, 5);
  assertEquals(row("intended"), [
    "`BEGIN`, `INTENT`, `LENT`, `COMMIT`",
    "the source's; from `LENT` on the destination's",
  ]);
  assertEquals(row("rolling-back"), ["`BEGIN`, `INTENT`, `ABORT`", "the source's"]);
  assertEquals(row("resuming"), ["`RUNNING`", "the destination's"]);
});

Deno.test("diagram: draws ways between states, each once, and none to itself", () => {
  const table = {
    "one-of-two": {
      go: { to: "two", actions: ["act"] },
      leave: { to: "two", actions: ["act"] },
      stay: { to: "one-of-two", actions: [] },
      never: "impossible",
    },
    two: {
      go: { to: "two", actions: [] },
      leave: { to: "two", actions: [] },
      stay: { to: "two", actions: [] },
      never: "impossible",
    },
  } as const;
  assertEquals(
    diagram(table, new Set(["two"])),
    [
      "```mermaid",
      "stateDiagram-v2",
      '  state "one-of-two" as one_of_two',
      "  [*] --> one_of_two",
      "  one_of_two --> two: go, leave",
      "  two --> [*]",
      "```",
    ].join("\n"),
  );
});

Deno.test("withTables: wants both marks", () => {
  assertThrows(() => withTables("no mark here"), Error, "Cannot find the marks");
});
