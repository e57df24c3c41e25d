import { assertEquals } from "@std/assert";
import { describeHistory } from "../../../src/cli/history.ts";
import { runCli } from "../../../src/cli/run.ts";
import type { HistoryEntry } from "../../../src/haul/history.ts";
import { fakeContext } from "./fakes.ts";

const MOVED: HistoryEntry = {
  ...{ v: 1, at: "2026-01-31T12:00:00.000Z", migration: "0123456789abcdef0123456789abcdef" },
  ...{ pid: 7, comm: "redis", peer: "dst:7284", whereabouts: "destination" },
  summary: {
    migration: "0123456789abcdef0123456789abcdef",
    ...{ iterations: [], switchoverMs: 84, totalMs: 61_000, bytes: 1024, sentBytes: 1024 },
  },
};
const FAILED: HistoryEntry = {
  ...{ v: 1, at: "2026-01-31T13:00:00.000Z", migration: MOVED.migration, pid: 8 },
  ...{ peer: "dst:7284", whereabouts: "source" },
  failure: { code: "peer-lost", message: "Cannot reach\x1b[2J" },
};

Deno.test("describeHistory: what, where to, and how it went", () => {
  assertEquals(describeHistory([FAILED, MOVED]).split("\n"), [
    "2026-01-31T13:00:00.000Z  01234567  process 8 to dst:7284",
    "  peer-lost: Cannot reach [2J (it is: source)",
    "2026-01-31T12:00:00.000Z  01234567  process 7 (redis) to dst:7284",
    "  moved in 1 min 1 s, 0 iterations, 1.0 KiB, switched over in 84 ms",
    "",
  ]);
  assertEquals(describeHistory([]), "No migration from this host is remembered\n");
});

Deno.test("phaul history: as many as are asked for, each an event for programs", async () => {
  const context = fakeContext({ history: () => Promise.resolve([FAILED, MOVED]) });
  assertEquals(await runCli(["history", "--last", "1", "--json"], context), 0);
  const [past, ...more] = context.terminal.events;
  assertEquals([past?.event, past?.pid, past?.v, more], ["past", 8, 1, []]);
});
