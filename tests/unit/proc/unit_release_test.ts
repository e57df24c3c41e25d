import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { giveBackUnit, releaseUnit, type SystemctlRunner } from "../../../src/proc/mod.ts";
import { warningsOfRelease } from "../../../src/proc/unit_release.ts";
import { FakeProc } from "./fixture.ts";

const UNIT = { name: "web.service" };

/** A systemd that reads `dropIn` when it is told to, and has a unit that restarts without it. */
class FakeSystemd implements Disposable {
  readonly asked: string[] = [];
  readonly warnings: string[] = [];
  readonly #base = Deno.makeTempDirSync();
  readonly directory = `${this.#base}/web.service.d`;
  readonly path = `${this.directory}/zz-phaul.conf`;
  #restart = "always";

  constructor(private readonly overruled: boolean = false) {}

  readonly systemctl: SystemctlRunner = (args) => {
    this.asked.push(args.join(" "));
    if (args.includes("daemon-reload")) this.#reload();
    return Promise.resolve(`Restart=${this.#restart}\nMainPID=4711\n`);
  };

  release() {
    return releaseUnit(UNIT, {
      pid: 4711,
      systemctl: this.systemctl,
      dropIn: { directory: this.directory, path: this.path },
      warn: (message) => this.warnings.push(message),
    });
  }

  get restart(): string {
    return this.#restart;
  }

  get text(): string | undefined {
    try {
      return Deno.readTextFileSync(this.path);
    } catch {
      return undefined;
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#base, { recursive: true });
  }

  #reload(): void {
    this.#restart = !this.overruled && this.text?.includes("\nRestart=no\n") ? "no" : "always";
  }
}

Deno.test("releaseUnit: a drop-in that systemd has read, with the way back in it", async () => {
  using systemd = new FakeSystemd();
  await using unit = await systemd.release();
  assertEquals(systemd.restart, "no");
  const text = systemd.text ?? "";
  for (
    const line of [
      "ConditionPathExists=!/",
      "RestartForceExitStatus=",
      "ExecStopPost=",
      "WatchdogSec=0",
    ]
  ) assertStringIncludes(text, `\n${line}\n`);
  assertStringIncludes(text, `rm ${systemd.path} && systemctl daemon-reload`);
  unit.keep();
});

Deno.test("releaseUnit: given up, everything is as it was", async () => {
  using systemd = new FakeSystemd();
  {
    await using _unit = await systemd.release();
  }
  assertEquals(systemd.restart, "always");
  assertEquals(systemd.text, undefined);
  await assertRejects(() => Deno.stat(systemd.directory), Deno.errors.NotFound);
  assertEquals(systemd.warnings, []);
});

Deno.test("releaseUnit: given up, drop-ins of others stay", async () => {
  using systemd = new FakeSystemd();
  Deno.mkdirSync(systemd.directory, { recursive: true });
  Deno.writeTextFileSync(`${systemd.directory}/limits.conf`, "[Service]\n");
  {
    await using _unit = await systemd.release();
  }
  assertEquals([...Deno.readDirSync(systemd.directory)].map(({ name }) => name), ["limits.conf"]);
});

Deno.test("releaseUnit: given up, the operator's own drop-in of that name comes back", async () => {
  using systemd = new FakeSystemd();
  Deno.mkdirSync(systemd.directory, { recursive: true });
  Deno.writeTextFileSync(systemd.path, "[Service]\nRestart=no\n");
  {
    await using _unit = await systemd.release();
  }
  assertEquals(systemd.text, "[Service]\nRestart=no\n");
});

Deno.test("releaseUnit: what a killed migration left is warned of, and goes with the next one", async () => {
  using systemd = new FakeSystemd();
  assertEquals(warningsOfRelease(UNIT, systemd.path), []);
  (await systemd.release()).keep();
  const [warning = ""] = warningsOfRelease(UNIT, systemd.path);
  assertStringIncludes(warning, `rm ${systemd.path} && systemctl daemon-reload`);
  {
    await using _unit = await systemd.release();
  }
  assertEquals(systemd.restart, "always");
});

Deno.test("releaseUnit: kept, it stays released", async () => {
  using systemd = new FakeSystemd();
  {
    await using unit = await systemd.release();
    unit.keep();
  }
  assertEquals(systemd.restart, "no");
});

Deno.test("releaseUnit: a unit that cannot be released is refused and left alone", async () => {
  using systemd = new FakeSystemd(true);
  const error = await assertRejects(() => systemd.release(), PhaulError);
  assertEquals(error.code, "supervised");
  assertStringIncludes(error.message, "something overrules");
  assertEquals(systemd.text, undefined);
});

Deno.test("releaseUnit: what could not be put back is told", async () => {
  using systemd = new FakeSystemd();
  {
    await using _unit = await systemd.release();
    Deno.removeSync(systemd.path);
  }
  assertEquals(systemd.warnings.length, 1);
  assert(systemd.warnings[0]?.includes("web.service"));
});

Deno.test("giveBackUnit: only what phaul left, of the process's own unit", async () => {
  using systemd = new FakeSystemd();
  using proc = new FakeProc([
    { pid: 10, cgroup: "0::/system.slice/web.service\n" },
    { pid: 11, cgroup: "0::/\n" },
  ]);
  const { directory, path, systemctl } = systemd;
  const sources = { systemctl, procRoot: proc.root, dropIn: { directory, path } };
  assertEquals(await giveBackUnit(10, sources), []);
  assertEquals(systemd.asked, []);
  (await systemd.release()).keep();
  assertEquals(await giveBackUnit(11, sources), []);
  assertEquals(systemd.restart, "no");
  assertEquals(await giveBackUnit(10, sources), []);
  assertEquals(systemd.restart, "always");
  assertEquals(systemd.text, undefined);
});

Deno.test("giveBackUnit: where it cannot be done, the command is told", async () => {
  using systemd = new FakeSystemd();
  (await systemd.release()).keep();
  using proc = new FakeProc([{ pid: 10, cgroup: "0::/system.slice/web.service\n" }]);
  const { directory, path } = systemd;
  const [warning = ""] = await giveBackUnit(10, {
    systemctl: () => Promise.reject(new Error("no bus")),
    procRoot: proc.root,
    dropIn: { directory, path },
  });
  assertStringIncludes(warning, `rm ${path} && systemctl daemon-reload`);
});
