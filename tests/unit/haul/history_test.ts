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

Deno.test("Timeline: stages in their order, and the parts of a switchover add up", async () => {
  const timeline = new Timeline("source");
  const reach = async (event: "frozen" | "prepared" | "committed" | "running") => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    timeline.take({ event, migration });
  };
  timeline.take({ event: "iteration-begin", migration, iteration: 1, final: false });
  timeline.take({ event: "iteration-begin", migration, iteration: 2, final: true });
  for (const event of ["frozen", "prepared", "committed", "running"] as const) await reach(event);
  const names = timeline.entries.map(({ name }) => name);
  assertEquals(names, ["iteration-1", "final-dump", "frozen", "prepared", "committed", "running"]);
  const [frozen, running] = [timeline.entries[2], timeline.entries[5]].map((one) => one?.atMs ?? 0);
  const switchoverMs = (running ?? 0) - (frozen ?? 0) + 3;
  const { dumpMs = 0, restoreMs = 0, handoverMs = 0 } = timeline.partsOf(switchoverMs) ?? {};
  assertEquals(Math.round(dumpMs), 3);
  assertEquals(Math.round(dumpMs + restoreMs + handoverMs), Math.round(switchoverMs));
});

Deno.test("Timeline: of a switchover that never came there are no parts", () => {
  assertEquals(new Timeline("source").partsOf(1), undefined);
});
