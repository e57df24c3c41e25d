import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { CpuThrottle, giveCpuBack } from "../../../src/proc/cpu_throttle.ts";
import { FakeProc, type FakeProcess } from "./fixture.ts";

/** A /proc and a hierarchy of cgroups made of files; /app holds the tree of 10 and 11. */
class Ground implements Disposable {
  readonly proc: FakeProc;
  readonly cgroup: string;
  nowMs = 0;

  constructor(path = "/app", options: { root?: string; cpu?: boolean; child?: object } = {}) {
    const { root = "/", cpu = true, child = {} } = options;
    const cgroup = `1:x:/\n0::${path}\n`;
    const worker: FakeProcess = { pid: 11, parentPid: 10, cgroup: `0::${path}/worker\n`, ...child };
    this.proc = new FakeProc([{ pid: 10, cgroup, children: [11] }, worker, { pid: 12 }]);
    const hierarchy = `${this.proc.root}/hierarchy`;
    this.cgroup = `${hierarchy}/app`;
    Deno.mkdirSync(`${this.cgroup}/worker`, { recursive: true });
    Deno.mkdirSync(`${this.proc.root}/self`);
    this.write(`${this.proc.root}/self/mountinfo`, mountinfo(root, hierarchy));
    this.write(`${this.cgroup}/cgroup.procs`, "10\n");
    this.write(`${this.cgroup}/worker/cgroup.procs`, "11\n");
    if (cpu) this.write(`${this.cgroup}/cpu.max`, "max 100000\n");
    this.use(0);
  }

  write(path: string, text: string): void {
    Deno.writeTextFileSync(path, text);
  }

  /** The tree has used so much CPU time by now. */
  use(ms: number): void {
    this.write(`${this.cgroup}/cpu.stat`, `usage_usec ${ms * 1000}\nuser_usec 0\n`);
  }

  find(): CpuThrottle {
    return CpuThrottle.find(10, { procRoot: this.proc.root, nowMs: () => this.nowMs });
  }

  get cpuMax(): string {
    return Deno.readTextFileSync(`${this.cgroup}/cpu.max`).trim();
  }

  [Symbol.dispose](): void {
    this.proc[Symbol.dispose]();
  }
}

function mountinfo(root: string, hierarchy: string): string {
  return "20 1 0:5 / /proc rw - proc proc rw\n" +
    `30 20 0:26 ${root} ${hierarchy} rw,nosuid shared:4 - cgroup2 cgroup2 rw\n`;
}

Deno.test("CpuThrottle: leaves less and less of what the tree used by itself", () => {
  using ground = new Ground();
  const throttle = ground.find();
  // Half of two CPUs' time.
  ground.nowMs = 1000;
  ground.use(1000);
  const steps: (number | undefined)[] = [];
  const quotas: number[] = [];
  while (throttle.canSlow) {
    steps.push(throttle.slower());
    quotas.push(Number(ground.cpuMax.split(" ")[0]));
  }
  assertEquals(steps, [80, 60, 40, 20, 10]);
  assertEquals(quotas, [8006, 6004, 4003, 2001, 1001]);
  assertEquals(throttle.slower(), undefined);
});

Deno.test("CpuThrottle: measures before the first step, not what it has slowed down itself", () => {
  using ground = new Ground();
  const throttle = ground.find();
  ground.nowMs = 1000;
  ground.use(4000);
  throttle.slower();
  ground.nowMs = 100_000;
  throttle.slower();
  assertEquals(ground.cpuMax, "24017 10007");
});

Deno.test("CpuThrottle: an idle tree gets the least quota that the kernel takes", () => {
  using ground = new Ground();
  const throttle = ground.find();
  ground.nowMs = 1000;
  throttle.slower();
  assertEquals(ground.cpuMax, "1000 10007");
});

Deno.test("CpuThrottle.release: puts back what was there, and only once", () => {
  using ground = new Ground();
  ground.write(`${ground.cgroup}/cpu.max`, "150000 100000\n");
  const throttle = ground.find();
  throttle.release();
  ground.nowMs = 10;
  throttle.slower();
  assertEquals(throttle.active, true);
  throttle.release();
  assertEquals([throttle.active, ground.cpuMax], [false, "150000 100000"]);
  ground.write(`${ground.cgroup}/cpu.max`, "1 2");
  throttle.release();
  assertEquals(ground.cpuMax, "1 2");
});

Deno.test("giveCpuBack: mends what a phaul that died has left, and nothing that is another's", () => {
  using ground = new Ground();
  const throttle = ground.find();
  ground.nowMs = 10;
  throttle.slower();
  giveCpuBack(throttle.limit);
  assertEquals(ground.cpuMax, "max 100000");
  ground.write(`${ground.cgroup}/cpu.max`, "5000 100000");
  giveCpuBack(throttle.limit);
  assertEquals(ground.cpuMax, "5000 100000");
  giveCpuBack({ ...throttle.limit, cgroup: `${ground.cgroup}/gone` });
});

Deno.test("CpuThrottle.find: a container sees its own part of the hierarchy", () => {
  using ground = new Ground("/docker/1/app", { root: "/docker/1" });
  assertEquals(ground.find().limit, { cgroup: ground.cgroup, cpuMax: "max 100000" });
});

function refusal(ground: Ground): string {
  const error = assertThrows(() => ground.find(), PhaulError);
  assertEquals(error.code, "feature-missing");
  return error.message;
}

Deno.test("CpuThrottle.find: refuses what would slow down others, or cannot be slowed down", () => {
  for (const stranger of [12, 0]) {
    using shared = new Ground();
    shared.write(`${shared.cgroup}/worker/cgroup.procs`, `11\n${stranger}\n`);
    assertStringIncludes(refusal(shared), `process ${stranger} is in cgroup`);
  }
  for (const cgroup of ["0::/\n", "0::/application\n"]) {
    using scattered = new Ground("/app", { child: { cgroup } });
    assertStringIncludes(refusal(scattered), "process 11 of it is not in cgroup");
  }
  using bare = new Ground("/app", { cpu: false });
  assertStringIncludes(refusal(bare), "has no CPU controller");
  for (const path of ["/", "/../outside", "/elsewhere"]) {
    using ground = new Ground(path);
    refusal(ground);
  }
});

Deno.test("CpuThrottle.find: zombies, and what ended meanwhile, are nobody", () => {
  using ground = new Ground("/app", { child: { cgroup: "0::/\n", state: "Z" } });
  ground.write(`${ground.cgroup}/worker/cgroup.procs`, "13\n");
  ground.find();
});
