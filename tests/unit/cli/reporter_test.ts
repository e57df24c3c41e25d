import { assertEquals } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { Reporter } from "../../../src/cli/reporter.ts";
import type { HaulEvent } from "../../../src/haul/events.ts";
import { FakeTerminal } from "./fakes.ts";
import { screenOf } from "./screen.ts";

const MIGRATION = "0123456789abcdef0123456789abcdef";
const CONNECTED: HaulEvent = { event: "connected", migration: MIGRATION, peer: "dst:7284" };
const PROGRESS: HaulEvent = {
  ...{ event: "progress", migration: MIGRATION, iteration: 1, pagesWritten: 100, bytes: 412_000 },
};
const TRANSITION: HaulEvent = {
  ...{ event: "transition", migration: MIGRATION, side: "source" },
  ...{ from: "checked", on: "begun", to: "iterating" },
};

Deno.test("Reporter.event: goes to standard error as a line, and nowhere else", () => {
  const terminal = new FakeTerminal();
  new Reporter(terminal, { json: false, many: false }).event(CONNECTED);
  assertEquals([terminal.stdout, terminal.stderr], ["", "Connected to dst:7284\n"]);
});

Deno.test("Reporter.event: is one JSON line with version and time when asked for", () => {
  const terminal = new FakeTerminal();
  new Reporter(terminal, { json: true, many: false }).event(CONNECTED);
  const [{ time, ...rest } = {}, ...more] = terminal.events;
  assertEquals(rest, { v: 1, event: "connected", migration: MIGRATION, peer: "dst:7284" });
  assertEquals(more, []);
  assertEquals(new Date(String(time)).toISOString(), time);
});

Deno.test("Reporter: names that steer a terminal, or feign another line, are shown without that", () => {
  const terminal = new FakeTerminal();
  const reporter = new Reporter(terminal, { json: true, many: false });
  const comm = "\x1b[2J\nProcess 7 runs";
  reporter.event({
    ...{ event: "checked", migration: MIGRATION, pid: 7, comm, processes: 1, memoryBytes: 4096 },
  });
  reporter.failure(
    new PhaulError("file-missing", `Cannot find "\x9b31m"`, { remedy: "rm\r\n-rf" }),
  );
  // deno-lint-ignore no-control-regex
  assertEquals(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(terminal.stderr), false);
  assertEquals(terminal.stderr.split("\n").length, 4);
  assertEquals(terminal.events[0]?.["comm"], comm);
});

Deno.test("Reporter.event: transitions are for programs only", () => {
  const terminal = new FakeTerminal();
  new Reporter(terminal, { json: true, many: false }).event(TRANSITION);
  assertEquals(terminal.stderr, "");
  assertEquals(terminal.events[0]?.["on"], "begun");
});

Deno.test("Reporter.event: a server's lines name the migration", () => {
  const terminal = new FakeTerminal();
  new Reporter(terminal, { json: false, many: true }).event(CONNECTED);
  assertEquals(terminal.stderr, "01234567  Connected to dst:7284\n");
});

Deno.test("Reporter.event: progress is left out where no line can be redrawn", () => {
  const terminal = new FakeTerminal();
  new Reporter(terminal, { json: false, many: false }).event(PROGRESS);
  assertEquals(terminal.stderr, "");
});

Deno.test("Reporter.event: progress is drawn over, within the terminal's width", () => {
  const terminal = new FakeTerminal(true);
  const reporter = new Reporter(terminal, { json: false, many: false });
  reporter.event({ event: "iteration-begin", migration: MIGRATION, iteration: 1, final: false });
  assertEquals(screenOf(terminal.stderr), ["Iteration 1"]);
  // Sooner than anybody could read it, nothing is drawn anew.
  const drawn = terminal.stderr;
  reporter.event(PROGRESS);
  assertEquals(terminal.stderr, drawn);
  reporter.event(CONNECTED);
  assertEquals(screenOf(terminal.stderr), ["Connected to dst:7284"]);
});

Deno.test("Reporter.event: a server draws a line for each migration, below what it tells", async () => {
  const terminal = new FakeTerminal(true);
  const reporter = new Reporter(terminal, { json: false, many: true });
  const [one, other] = [MIGRATION, `f${MIGRATION.slice(1)}`];
  const begin = { event: "iteration-begin", iteration: 1, final: false } as const;
  for (const migration of [one, other]) reporter.event({ ...begin, migration });
  for (const migration of [one, other]) {
    await new Promise((resolve) => setTimeout(resolve, 110));
    reporter.event({ ...begin, iteration: 2, migration });
  }
  assertEquals(screenOf(terminal.stderr), ["01234567  Iteration", "f1234567  Iteration"]);
  reporter.event({ event: "drained", migration: one });
  await new Promise((resolve) => setTimeout(resolve, 110));
  reporter.event({ ...PROGRESS, migration: other });
  assertEquals(screenOf(terminal.stderr), [
    "01234567  Drained: nothing is left to transfer",
    "f1234567  Iteration",
  ]);
});

Deno.test("Reporter: quiet, it tells of warnings and failures only, and programs of all", () => {
  const terminal = new FakeTerminal();
  const reporter = new Reporter(terminal, { json: true, many: false, quiet: true });
  reporter.event(CONNECTED);
  reporter.event({ event: "warning", migration: MIGRATION, message: "slow" });
  reporter.failure(new PhaulError("no-space", "Cannot write"));
  assertEquals(terminal.stderr, "Warning: slow\nCannot write\n");
  assertEquals(terminal.events.length, 3);
});

Deno.test("Reporter.state: how far each migration is, until it is over", () => {
  const terminal = new FakeTerminal();
  const reporter = new Reporter(terminal, { json: false, many: true });
  reporter.state();
  const begin = {
    event: "iteration-begin",
    migration: MIGRATION,
    iteration: 3,
    final: false,
  } as const;
  reporter.event(begin);
  reporter.event({ ...PROGRESS });
  reporter.state();
  reporter.event({ event: "drained", migration: MIGRATION });
  reporter.event({ ...PROGRESS });
  reporter.state();
  const told = terminal.stderr.split("\n");
  assertEquals(told[0], "No migration is under way");
  assertEquals(told[1]?.startsWith("01234567  Iteration 3"), true, told[1]);
  assertEquals(told[1]?.includes("100 pages, 402.3 KiB"), true, told[1]);
  assertEquals(told.at(-2), "No migration is under way");
});

Deno.test("Reporter.event: an abort is left to the report of the failure, but told by a server", () => {
  const event: HaulEvent = {
    ...{ event: "aborted", migration: MIGRATION, code: "peer-lost", message: "Cannot" },
    whereabouts: "source",
  };
  const source = new FakeTerminal();
  new Reporter(source, { json: true, many: false }).event(event);
  assertEquals([source.stderr, source.events[0]?.["code"]], ["", "peer-lost"]);
  const server = new FakeTerminal();
  new Reporter(server, { json: false, many: true }).event(event);
  assertEquals(server.stderr, "01234567  Aborted: Cannot\n");
});

Deno.test("Reporter.failure: says where the process is, what failed, what to do, in this order", () => {
  const terminal = new FakeTerminal();
  const error = new PhaulError("peer-lost", "Cannot go on", { remedy: "Look at the link" });
  const code = new Reporter(terminal, { json: true, many: false })
    .failure(error, { pid: 7, where: "source", text: "Process 7 is here" });
  assertEquals(terminal.stderr, "Process 7 is here\nCannot go on\nLook at the link\n");
  assertEquals(code, 42);
  const { v: _v, time: _time, ...event } = terminal.events[0] ?? {};
  assertEquals(event, {
    ...{ event: "failed", code: "peer-lost", exitCode: 42, message: "Cannot go on" },
    ...{ remedy: "Look at the link", pid: 7, whereabouts: "source" },
  });
});

Deno.test("Reporter.failure: clears a line that is being redrawn", () => {
  const terminal = new FakeTerminal(true);
  const reporter = new Reporter(terminal, { json: false, many: false });
  reporter.event({ event: "iteration-begin", migration: MIGRATION, iteration: 1, final: false });
  reporter.failure(new PhaulError("internal", "Cannot"));
  assertEquals(screenOf(terminal.stderr), ["Cannot"]);
});

Deno.test("Reporter.failure: quotes CRIU's log behind the remedy, and names where it lies", () => {
  const evidence = { lines: ["Error: no"], log: "/s/logs/1.log", remote: true };
  const error = new PhaulError("restore-failed", "Cannot restore", { remedy: "Look", evidence });
  const terminal = new FakeTerminal();
  new Reporter(terminal, { json: true, many: false }).failure(error);
  assertEquals(terminal.stderr.split("\n"), [
    "Cannot restore",
    "Look",
    "CRIU's log on the destination says:",
    "  Error: no",
    "The whole log: /s/logs/1.log on the destination",
    "",
  ]);
  assertEquals(terminal.events[0]?.evidence, evidence);
});

Deno.test("Reporter: in systemd's journal each line has its priority", () => {
  const terminal = new FakeTerminal(false, true);
  const reporter = new Reporter(terminal, { json: false, many: true });
  reporter.event({ event: "listening", host: "::", port: 1 });
  reporter.event({ event: "warning", migration: "f".repeat(32), message: "look out" });
  reporter.failure(new PhaulError("internal", "Cannot go on", { remedy: "Rest" }));
  assertEquals(terminal.stderr.split("\n"), [
    "<6>Listening on [::]:1 WITHOUT encryption or proof: anyone who reaches this port can send " +
    "processes",
    "<4>ffffffff  Warning: look out",
    "<3>Cannot go on",
    "<3>Rest",
    "",
  ]);
});
