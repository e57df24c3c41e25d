import { assertEquals, assertMatch } from "@std/assert";
import { describeHistory } from "../../../src/cli/history.ts";
import { runCli } from "../../../src/cli/run.ts";
import { CAME, FAILED, MOVED } from "./entries.ts";
import { fakeContext } from "./fakes.ts";

Deno.test("describeHistory: what, where to or from, and how it went", () => {
  assertEquals(describeHistory([CAME, FAILED, MOVED]).split("\n"), [
    "2026-01-31T14:00:00.000Z  01234567  process 9 (x) from 10.0.0.1:4000",
    "  moved: it ran here",
    "2026-01-31T13:00:00.000Z  01234567  process 8 to dst:7284",
    "  peer-lost: Cannot reach [2J (it is: source)",
    "2026-01-31T12:00:00.000Z  01234567  process 7 (redis) to dst:7284",
    "  moved in 1 min 1 s, 0 iterations, 1.0 KiB, switched over in 84 ms",
    "",
  ]);
  assertEquals(describeHistory([]), "No migration from or to this host is remembered\n");
});

Deno.test("phaul history: as many as are asked for, each an event for programs", async () => {
  const context = fakeContext({ history: () => Promise.resolve([FAILED, MOVED]) });
  assertEquals(await runCli(["history", "--last", "1", "--json"], context), 0);
  const [past, ...more] = context.terminal.events;
  assertEquals([past?.event, past?.pid, past?.v, more], ["past", 8, 1, []]);
});

Deno.test("phaul history: reopens the report on one of them", async () => {
  const dir = await Deno.makeTempDir();
  const other = { ...MOVED, migration: "f".repeat(32), comm: "older" };
  const context = fakeContext({ history: () => Promise.resolve([FAILED, other]) });
  assertEquals(await runCli(["history", "ffff", "--report", `${dir}/r.html`], context), 0);
  assertMatch(await Deno.readTextFile(`${dir}/r.html`), /<h1>older \(process 7\)/);
  assertEquals(await runCli(["history", "--report", `${dir}/r.html`], context), 0);
  assertMatch(await Deno.readTextFile(`${dir}/r.html`), /<h1>Process 8/);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("phaul history: one that is not known, and a place that is not there", async () => {
  const context = fakeContext({ history: () => Promise.resolve([MOVED]) });
  assertEquals(await runCli(["history", "ffff"], context), 56);
  assertEquals(await runCli(["history", "--report", "/nowhere/r.html"], context), 14);
});
