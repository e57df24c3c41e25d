import { assertEquals } from "@std/assert";
import { history, remember } from "../../../src/haul/history.ts";
import { Timeline } from "../../../src/haul/timeline.ts";

const migration = "0123456789abcdef0123456789abcdef";
const MOVED = {
  migration,
  pid: 7,
  comm: "x",
  side: "source",
  peer: "dst:7284",
  whereabouts: "destination",
  details: { begunAt: "", findings: [], iterations: [], timeline: [], transfer: [] },
} as const;

async function inStateDir(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  await Deno.chmod(dir, 0o700);
  await test(dir);
  await Deno.remove(dir, { recursive: true });
}

Deno.test("history: the newest first, readable by its owner only", async () => {
  await inStateDir(async (dir) => {
    assertEquals(await history(dir), []);
    await remember(dir, MOVED);
    await remember(dir, { ...MOVED, pid: 8 });
    assertEquals((await history(dir)).map(({ v, pid }) => [v, pid]), [[1, 8], [1, 7]]);
    assertEquals(((await Deno.stat(`${dir}/history`)).mode ?? 0) & 0o777, 0o600);
  });
});

Deno.test("history: a torn line, and one of a later form, are left out", async () => {
  await inStateDir(async (dir) => {
    await Deno.writeTextFile(`${dir}/history`, '{"v":2,"migration":"x"}\n{"v":1,"migr');
    await Deno.writeTextFile(`${dir}/history`, "\n", { append: true });
    await remember(dir, MOVED);
    assertEquals((await history(dir)).map(({ pid }) => pid), [7]);
  });
});

Deno.test("remember: a file that grew too large forgets its older half", async () => {
  await inStateDir(async (dir) => {
    const failure = { code: "internal", message: "x".repeat(2 ** 20) } as const;
    for (let pid = 1; pid <= 5; pid++) await remember(dir, { ...MOVED, pid, failure });
    assertEquals((await history(dir)).map(({ pid }) => pid), [5, 4, 3]);
  });
});

Deno.test("remember: an entry that would push out all others is kept without its figures", async () => {
  await inStateDir(async (dir) => {
    const finding = {
      code: "x",
      severity: "note",
      on: "both",
      message: "y".repeat(2 ** 18),
    } as const;
    await remember(dir, { ...MOVED, details: { ...MOVED.details, findings: [finding] } });
    assertEquals((await history(dir)).map(({ details }) => details.findings), [[]]);
  });
});

Deno.test("Timeline: stages in their order, and the parts of a switchover add up", async () => {
  const timeline = new Timeline("source");
  const reach = async (event: "frozen" | "prepared" | "committed" | "running") => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    timeline.take({ event, migration });
  };
  timeline.take({ event: "iteration-begin", migration, iteration: 1, final: false });
  timeline.take({ event: "iteration-begin", migration, iteration: 2, final: true });
  timeline.mark("freeze");
  for (const event of ["frozen", "prepared", "committed", "running"] as const) await reach(event);
  const names = timeline.entries.map(({ name }) => name);
  const steps = ["freeze", "frozen", "prepared", "committed", "running"];
  assertEquals(names, ["iteration-1", "final-dump", ...steps]);
  const { dumpMs = 0, restoreMs = 0, handoverMs = 0 } = timeline.partsOf(100) ?? {};
  assertEquals(dumpMs >= 5 && restoreMs >= 5 && handoverMs > 0, true);
  assertEquals(Math.round(dumpMs + restoreMs + handoverMs), 100);
});

Deno.test("Timeline: of any number of iterations the first and the last are kept", () => {
  const timeline = new Timeline("destination");
  for (let iteration = 1; iteration <= 3000; iteration++) {
    timeline.take({ event: "iteration-begin", migration, iteration, final: iteration === 3000 });
  }
  const { entries } = timeline;
  assertEquals(entries.length, 500);
  assertEquals([entries[0]?.name, entries.at(-1)?.name], ["iteration-1", "final-dump"]);
});

Deno.test("Timeline: of a switchover that never came there are no parts", () => {
  assertEquals(new Timeline("source").partsOf(1), undefined);
});
