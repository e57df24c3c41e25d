import { assertEquals } from "@std/assert";
import { VictimThrottle } from "../../../src/haul/throttle.ts";
import type { HaulEvent } from "../../../src/haul/events.ts";
import { Stages } from "../../../src/haul/stages.ts";
import type { CpuThrottle } from "../../../src/proc/mod.ts";

/** Writes down what is done to the cgroup and the journal, in order. */
class Ground {
  readonly log: string[] = [];
  onRecord = () => {};
  releaseFails = false;
  readonly throttle: VictimThrottle;

  constructor() {
    let left = 2;
    const slower = () => {
      this.log.push("slower");
      return left-- * 40;
    };
    const release = () => {
      if (this.releaseFails) throw new Error("read-only");
      this.log.push("release");
      left = 2;
    };
    const cpu = {
      limit: { cgroup: "/c", cpuMax: "max 100000" },
      slower,
      release,
      get active() {
        return left < 2;
      },
      get canSlow() {
        return left > 0;
      },
    };
    const journal = {
      record: ({ mark }: { mark: string }) => {
        this.log.push(mark);
        this.onRecord();
        return Promise.resolve();
      },
      close: () => {},
      remove: () => Promise.resolve(),
    };
    const sink = (event: HaulEvent) => {
      if (event.event === "throttled") this.log.push(`told ${event.cpuPercent}`);
      if (event.event === "warning") this.log.push(event.message);
    };
    this.throttle = new VictimThrottle({
      ...{ cpu: cpu as unknown as CpuThrottle, migration: "m", journal },
      stages: new Stages({ sink, side: "source", migration: "m" }),
    });
  }
}

Deno.test("VictimThrottle: writes down what to put back before it slows anything down, once", async () => {
  const { throttle, log } = new Ground();
  await throttle.slower();
  await throttle.slower();
  assertEquals(await throttle.slower(), undefined);
  assertEquals(log, ["THROTTLED", "slower", "told 80", "slower", "told 40"]);
});

Deno.test("VictimThrottle: puts back once, when told to or at its end", async () => {
  const told = new Ground();
  await told.throttle.slower();
  told.throttle.release();
  told.throttle[Symbol.dispose]();
  assertEquals(told.log.slice(3), ["release", "told 100"]);
  const ended = new Ground();
  await ended.throttle.slower();
  ended.throttle[Symbol.dispose]();
  assertEquals(ended.log.slice(3), ["release", "told 100"]);
});

Deno.test("VictimThrottle: a migration that ends meanwhile is not slowed down any more", async () => {
  const ground = new Ground();
  ground.onRecord = () => ground.throttle[Symbol.dispose]();
  assertEquals(await ground.throttle.slower(), undefined);
  assertEquals(ground.log, ["THROTTLED"]);
});

Deno.test("VictimThrottle: says what to do when it cannot put back at the end", async () => {
  const ground = new Ground();
  await ground.throttle.slower();
  ground.releaseFails = true;
  ground.throttle[Symbol.dispose]();
  assertEquals(ground.log.at(-1)?.includes('write "max 100000" to its cpu.max'), true);
});
