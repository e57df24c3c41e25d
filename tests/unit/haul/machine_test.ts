import { assertEquals } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { Machine } from "../../../src/haul/machine.ts";
import type { Table } from "../../../src/migrate/tables.ts";

type State = "a" | "b" | "c";
type Event = "next" | "failed";
type Action = "one" | "two";

const TABLE: Table<State, Event, Action> = {
  a: { next: { to: "b", actions: ["one", "two"] }, failed: "impossible" },
  b: { next: { to: "c", actions: [] }, failed: { to: "c", actions: ["two"] } },
  c: { next: { to: "c", actions: [] }, failed: { to: "c", actions: [] } },
};

function machineOf(effects: Partial<Record<Action, () => void | Promise<void>>>) {
  const log: string[] = [];
  const machine = new Machine<State, Event, Action>({
    side: "source",
    table: TABLE,
    initial: "a",
    failure: "failed",
    effects: {
      one: effects.one ?? (() => void log.push("one")),
      two: effects.two ?? (() => void log.push("two")),
    },
    onTransition: (from, on, to) => log.push(`${from} ${on} ${to}`),
    onDefect: (error) => log.push(error.code),
  });
  return { machine, log };
}

/** Lets everything that is ready run. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("Machine: actions of one event end before the next event is taken", async () => {
  const gate = Promise.withResolvers<void>();
  const { machine, log } = machineOf({ one: () => gate.promise });
  machine.dispatch("next");
  machine.dispatch("next");
  await settle();
  assertEquals(log, ["a next b"]);
  assertEquals(machine.state, "b");
  gate.resolve();
  await settle();
  assertEquals(log, ["a next b", "two", "b next c"]);
});

Deno.test("Machine: an action that throws becomes the failure event, and the rest is left out", async () => {
  const { machine, log } = machineOf({
    one: () => {
      throw new PhaulError("no-space", "Cannot write");
    },
  });
  machine.dispatch("next");
  await settle();
  assertEquals(log, ["a next b", "b failed c", "two"]);
});

Deno.test("Machine: an impossible pair is told and changes nothing", async () => {
  const { machine, log } = machineOf({});
  machine.dispatch("failed");
  await settle();
  assertEquals(log, ["internal"]);
  assertEquals(machine.state, "a");
});

Deno.test("Machine: an event dispatched by an action waits for its turn", async () => {
  const { machine, log } = machineOf({ one: () => machine.dispatch("next") });
  machine.dispatch("next");
  await settle();
  assertEquals(log, ["a next b", "two", "b next c"]);
});
