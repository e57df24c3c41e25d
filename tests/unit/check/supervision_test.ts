import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import type { SystemctlRunner } from "../../../src/proc/mod.ts";
import { commandAgainstRestart } from "../../../src/proc/drop_in.ts";
import { parseServiceUnit } from "../../../src/proc/systemctl.ts";
import { FakeProc, type FakeProcess } from "../proc/fixture.ts";
import { examineVictim, NOTHING_ALLOWED } from "./examine.ts";

const PID = 4711;
const UNIT = "0::/system.slice/web.service\n";

/** The warnings for a process with these traits, with a systemctl that says `shown`. */
async function warningsFor(
  traits: Partial<FakeProcess>,
  shown: string | Error = "",
  others: readonly FakeProcess[] = [],
): Promise<{ warnings: readonly string[]; asked: string[] }> {
  const asked: string[] = [];
  const systemctl: SystemctlRunner = (args) => {
    asked.push(args.join(" "));
    return typeof shown === "string" ? Promise.resolve(shown) : Promise.reject(shown);
  };
  using proc = new FakeProc([{ pid: PID, children: [], ...traits }, ...others]);
  const sources = { procRoot: proc.root, systemctl };
  return { warnings: (await examineVictim(PID, NOTHING_ALLOWED, sources)).warnings, asked };
}

async function refusalFor(...args: Parameters<typeof warningsFor>): Promise<PhaulError> {
  const error = await assertRejects(() => warningsFor(...args), PhaulError);
  assertEquals(error.code, "supervised");
  return error;
}

Deno.test("parseServiceUnit: the innermost service, in either version of cgroups", () => {
  assertEquals(parseServiceUnit("0::/system.slice/web.service\n"), { name: "web.service" });
  assertEquals(parseServiceUnit("0::/system.slice/web.service/worker\n"), { name: "web.service" });
  assertEquals(
    parseServiceUnit("9:pids:/x.service\n1:name=systemd:/system.slice/a@b.service\n0::/\n"),
    { name: "a@b.service" },
  );
  assertEquals(
    parseServiceUnit("0::/user.slice/user-7.slice/user@7.service/app.slice/app.service\n"),
    { name: "app.service", uid: 7 },
  );
  assertEquals(
    parseServiceUnit("0::/user.slice/user-7.slice/user@7.service/init.scope\n"),
    { name: "user@7.service" },
  );
});

Deno.test("parseServiceUnit: a session, a container and no cgroup at all are no service", () => {
  for (const text of ["0::/user.slice/user-0.slice/session-3.scope\n", "0::/\n", ""]) {
    assertEquals(parseServiceUnit(text), undefined);
  }
});

Deno.test("examineVictim: the main process of a unit with Restart= is refused", async () => {
  const shown = `Restart=on-failure\nMainPID=${PID}\nId=web.service\n`;
  const error = await refusalFor({ cgroup: UNIT }, shown);
  assertStringIncludes(error.message, "web.service with Restart=on-failure");
  assertStringIncludes(error.remedy, "/run/systemd/system/web.service.d/zz-phaul.conf");
  assertStringIncludes(error.remedy, "systemctl daemon-reload");
});

Deno.test("examineVictim: a main process anywhere in the tree counts, an unknown one too", async () => {
  const below: FakeProcess = { pid: 4712, parentPid: PID, cgroup: UNIT };
  const traits = { cgroup: UNIT, children: [4712] };
  await refusalFor(traits, "Restart=always\nMainPID=4712\n", [below]);
  await refusalFor({ cgroup: UNIT }, "Restart=always\nMainPID=0\n");
});

Deno.test("examineVictim: a unit without Restart= passes", async () => {
  const { warnings, asked } = await warningsFor({ cgroup: UNIT }, `Restart=no\nMainPID=${PID}\n`);
  assertEquals(warnings, []);
  assertEquals(asked, ["show -p Id,MainPID,Restart,TriggeredBy,UnitFileState -- web.service"]);
});

Deno.test("examineVictim: what else starts a unit is warned of", async () => {
  const { warnings } = await warningsFor({ cgroup: UNIT }, "Restart=no\nTriggeredBy=web.socket\n");
  assertStringIncludes(warnings[0], "as soon as web.socket starts unit web.service again");
});

Deno.test("examineVictim: a unit that will be released passes, and is named", async () => {
  const shown = `Restart=always\nMainPID=${PID}\nUnitFileState=enabled\n`;
  using proc = new FakeProc([{ pid: PID, children: [], cgroup: UNIT }]);
  const examine = (systemctl: SystemctlRunner) =>
    examineVictim(PID, { ...NOTHING_ALLOWED, releaseUnit: true }, {
      procRoot: proc.root,
      systemctl,
    });
  const victim = await examine(() => Promise.resolve(shown));
  assertEquals(victim.unit, { name: "web.service" });
  assertStringIncludes(victim.warnings[0], "unit web.service is started again");
  const worker = await examine(() => Promise.resolve("Restart=always\nMainPID=9\n"));
  assertEquals(worker.unit, undefined);
  const silent = await assertRejects(() => examine(() => Promise.reject(new Error("no bus"))));
  assertStringIncludes(String(silent), "cannot be released: no bus");
});

Deno.test("examineVictim: a worker of a unit is warned of, and so is a systemd that is silent", async () => {
  const worker = await warningsFor({ cgroup: UNIT }, "Restart=always\nMainPID=9\n");
  assertStringIncludes(worker.warnings[0], "not its main process (9)");
  const silent = await warningsFor({ cgroup: UNIT }, new Error("no bus"));
  assertStringIncludes(silent.warnings[0], "no bus");
});

Deno.test("examineVictim: systemd is not asked about what runs in no unit", async () => {
  assertEquals((await warningsFor({})).asked, []);
});

Deno.test("examineVictim: a user's unit is asked for, and mended, at the user's systemd", async () => {
  const cgroup = "0::/user.slice/user-7.slice/user@7.service/app.slice/app.service\n";
  const { asked } = await warningsFor({ cgroup }, "Restart=no\n");
  assertEquals(asked[0]?.startsWith("--user --machine=7@.host show "), true);
  const command = commandAgainstRestart({ name: "app.service", uid: 7 });
  assertStringIncludes(command, "/run/user/7/systemd/user/app.service.d/zz-phaul.conf");
  assertStringIncludes(command, "systemctl --user --machine=7@.host daemon-reload");
});

Deno.test("commandAgainstRestart: the command makes the drop-in, odd unit names included", async () => {
  const dir = await Deno.makeTempDir();
  const name = `dev-disk\\x2dby 'id'.service`;
  const command = commandAgainstRestart({ name })
    .replaceAll("/run/systemd/system", dir)
    .replace("systemctl daemon-reload", "true");
  const output = await new Deno.Command("sh", { args: ["-c", command] }).output();
  assert(output.success);
  assertEquals(
    await Deno.readTextFile(`${dir}/${name}.d/zz-phaul.conf`),
    "[Service]\nRestart=no\n",
  );
  await Deno.remove(dir, { recursive: true });
});

Deno.test("examineVictim: known supervisors are refused by name, scripts of interpreters too", async () => {
  const parents: Partial<FakeProcess>[] = [
    { comm: "runsv" },
    { comm: "s6-supervise" },
    { comm: "containerd-shim" },
    { comm: "python3", arguments: ["python3", "/usr/bin/supervisord", "-n"] },
    { comm: "PM2 v5.3.0: God", arguments: ["PM2 v5.3.0: God Daemon (/root/.pm2)"] },
  ];
  for (const parent of parents) {
    const error = await refusalFor({ parentPid: 50 }, "", [{ pid: 50, ...parent }]);
    assertStringIncludes(error.message, "process 50");
    assert(error.remedy);
  }
});

Deno.test("examineVictim: a runsv that was told `once` lets its process go", async () => {
  const service = await Deno.makeTempDir();
  await Deno.mkdir(`${service}/supervise`);
  const parent: FakeProcess = { pid: 50, comm: "runsv", cwd: service };
  const status = new Uint8Array(20);
  const wants = async (letter: string) => {
    status[17] = letter.charCodeAt(0);
    await Deno.writeFile(`${service}/supervise/status`, status);
  };
  await wants("u");
  const error = await refusalFor({ parentPid: 50 }, "", [parent]);
  assertEquals(error.remedy, `Tell runit not to start it again: sv once ${service}`);
  await wants("d");
  assertEquals((await warningsFor({ parentPid: 50 }, "", [parent])).warnings, []);
  await Deno.remove(service, { recursive: true });
});

Deno.test("examineVictim: a script as parent is warned of, an interactive shell is not", async () => {
  const script = { pid: 50, comm: "sh", arguments: ["sh", "-c", "while :; do prog; done"] };
  const { warnings } = await warningsFor({ parentPid: 50 }, "", [script]);
  assertEquals(warnings.length, 1);
  assertStringIncludes(warnings[0], `process 50, "sh"`);
  const login = { pid: 50, comm: "bash", arguments: ["-bash"] };
  assertEquals((await warningsFor({ parentPid: 50 }, "", [login])).warnings, []);
});
