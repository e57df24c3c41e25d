import { assert, assertEquals } from "@std/assert";
import type { HaulEvent } from "../../../src/haul/events.ts";
import { history } from "../../../src/haul/history.ts";
import { IncomingHistory } from "../../../src/haul/incoming.ts";
import { MigrationRecord } from "../../../src/haul/record.ts";
import { Timeline } from "../../../src/haul/timeline.ts";

const migration = "0123456789abcdef0123456789abcdef";

function iteration(number: number): HaulEvent {
  return { event: "iteration-begin", migration, iteration: number, final: false };
}

function progress(number: number, bytes: number): HaulEvent {
  return { event: "progress", migration, iteration: number, pagesWritten: 1, bytes };
}

Deno.test("MigrationRecord: bytes of all iterations add up, whether their ends are told or not", () => {
  const record = new MigrationRecord();
  const ended = { final: false, pagesWritten: 3, bytes: 30, durationMs: 1 };
  record.take(iteration(1));
  record.take(progress(1, 20));
  record.take({ event: "iteration-end", migration, iteration: 1, ...ended });
  record.take(iteration(2));
  record.take(progress(2, 7));
  record.take(iteration(3));
  const { transfer, iterations } = record.details(new Timeline("source"));
  assertEquals(transfer.map(({ bytes }) => bytes), [0, 20, 30, 30, 37, 37]);
  assertEquals(iterations, [{ iteration: 1, ...ended }]);
});

Deno.test("MigrationRecord: however long it takes, the samples stay few, and reach to the end", () => {
  const record = new MigrationRecord();
  record.take(iteration(1));
  for (let bytes = 1; bytes <= 50_000; bytes++) record.take(progress(1, bytes));
  record.take({
    ...{ event: "iteration-end", migration, iteration: 1, final: true, pagesWritten: 1 },
    ...{ bytes: 60_000, durationMs: 1 },
  });
  const { transfer } = record.details(new Timeline("source"));
  assert(transfer.length > 60 && transfer.length <= 241, String(transfer.length));
  assertEquals(transfer.at(-1)?.bytes, 60_000);
});

Deno.test("Timeline: steps of the destination stand where they happened", () => {
  const there = new Timeline("destination");
  for (const name of ["iteration-1", "final-dump", "images", "restored"]) there.mark(name);
  const steps = there.stepsSince("final-dump");
  assertEquals(steps.map(({ name }) => name), ["final-dump", "images", "restored"]);
  assert(steps.every(({ agoUs }) => Number.isSafeInteger(agoUs) && agoUs >= 0));
  const here = new Timeline("source");
  here.mark("prepared");
  here.take({ event: "destination-steps", migration, steps: [{ name: "images", agoUs: 5e6 }] });
  const [first, second] = here.entries;
  assertEquals([first?.name, first?.on, second?.name], ["images", "destination", "prepared"]);
});

Deno.test("IncomingHistory: what came, and what was given up; of others it knows nothing", async () => {
  const dir = await Deno.makeTempDir();
  await Deno.chmod(dir, 0o700);
  const warnings: HaulEvent[] = [];
  const other = "f".repeat(32);
  {
    await using incoming = new IncomingHistory(dir, (event) => warnings.push(event));
    for (const id of [migration, other]) {
      const tree = { pid: 7, comm: "x", processes: 1, memoryBytes: 9 };
      incoming.take({ event: "admitted", migration: id, ...tree, peer: "10.0.0.1:4000" });
    }
    incoming.take({ event: "running", migration, pid: 77 });
    incoming.take({ event: "drained", migration });
    incoming.take({ event: "drained", migration });
    const failure = { code: "peer-lost", message: "Cannot go on" } as const;
    incoming.take({ event: "aborted", migration: other, ...failure, whereabouts: "source" });
    incoming.take({ event: "drained", migration: "a".repeat(32) });
  }
  const entries = await history(dir);
  assertEquals(
    entries.map(({ side, pid, peer, whereabouts, failure }) => ({
      ...{ side, pid, peer, whereabouts, code: failure?.code },
    })),
    [
      {
        ...{ side: "destination", pid: 7, peer: "10.0.0.1:4000", whereabouts: "source" },
        code: "peer-lost",
      },
      {
        ...{ side: "destination", pid: 77, peer: "10.0.0.1:4000", whereabouts: "destination" },
        code: undefined,
      },
    ],
  );
  assertEquals(warnings, []);
  await Deno.remove(dir, { recursive: true });
});
