import { assertEquals, assertRejects } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { readStat } from "../../../src/proc/procfs.ts";
import { eventually } from "../proc/children.ts";
import { type HookContext, runHook, runHooks } from "../../../src/haul/hook.ts";

const EVENT = { event: "frozen", migration: "0".repeat(32) } as const;
const CONTEXT: HookContext = {
  event: EVENT,
  stage: "frozen",
  side: "source",
  migration: EVENT.migration,
  pid: 7,
};
const LONG_MS = 60_000;

async function withScript(script: string, use: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, `#!/bin/sh\n${script}\n`);
  await Deno.chmod(path, 0o700);
  try {
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("runHook: the program learns stage, side, migration and pid", async () => {
  const out = await Deno.makeTempFile();
  const said =
    `echo "$PHAUL_STAGE $PHAUL_SIDE $PHAUL_MIGRATION $PHAUL_PID $PHAUL_ITERATION" >${out}`;
  await withScript(said, (path) => runHook(path, CONTEXT, LONG_MS));
  assertEquals(await Deno.readTextFile(out), `frozen source ${"0".repeat(32)} 7 \n`);
  await Deno.remove(out);
});

Deno.test("runHook: a failure is told with the program's own words", async () => {
  await withScript("echo no licence >&2; exit 3", async (path) => {
    const run = () => runHook(path, CONTEXT, LONG_MS);
    const error = await assertRejects(run, PhaulError, "exited with 3: no licence");
    assertEquals(error.code, "hook-failed");
  });
});

Deno.test("runHook: what the program leaves in the background is not waited for", async () => {
  const pidFile = await Deno.makeTempFile();
  await withScript(`sleep 1000 & echo $! >${pidFile}`, (path) => runHook(path, CONTEXT, LONG_MS));
  Deno.kill(Number(await Deno.readTextFile(pidFile)), "SIGKILL");
  await Deno.remove(pidFile);
});

Deno.test("runHook: a program that takes too long is killed", async () => {
  await withScript("exec sleep 1000", async (path) => {
    await assertRejects(() => runHook(path, CONTEXT, 100), PhaulError, "took more than 100 ms");
  });
});

Deno.test("runHook: what such a program has started is killed with it", async () => {
  const pidFile = await Deno.makeTempFile();
  await withScript(`sleep 1000 & echo $! >${pidFile}; wait`, async (path) => {
    await assertRejects(() => runHook(path, CONTEXT, 500), PhaulError, "took more than 500 ms");
  });
  const pid = Number(await Deno.readTextFile(pidFile));
  await eventually(() => readStat(pid) === undefined || readStat(pid)?.state === "zombie");
  await Deno.remove(pidFile);
});

Deno.test("runHook: a program that is not there is named", async () => {
  await assertRejects(
    () => runHook("/no/such/hook", CONTEXT, LONG_MS),
    PhaulError,
    "/no/such/hook",
  );
});

Deno.test("runHook: the event is on its standard input, for those that read it", async () => {
  const out = await Deno.makeTempFile();
  await withScript(`cat >${out}`, (path) => runHook(path, CONTEXT, LONG_MS));
  assertEquals(JSON.parse(await Deno.readTextFile(out)), EVENT);
  await withScript("exec 0<&-; sleep 0.1", (path) => runHook(path, CONTEXT, LONG_MS));
  await Deno.remove(out);
});

Deno.test("runHooks: each program of a directory, by name, until one fails", async () => {
  const dir = await Deno.makeTempDir();
  const put = async (name: string, script: string, mode = 0o700) => {
    await Deno.writeTextFile(`${dir}/${name}`, `#!/bin/sh\n${script}\n`);
    await Deno.chmod(`${dir}/${name}`, mode);
  };
  const says = `echo "\${0##*/}" >>${dir}/.out`;
  await put("20-second", says);
  await put("10-first", says);
  await put("30-no-program", says, 0o600);
  await put(".hidden", says);
  await put("10-first~", says);
  await runHooks(dir, CONTEXT, LONG_MS);
  assertEquals(await Deno.readTextFile(`${dir}/.out`), "10-first\n20-second\n");
  await put("15-fails", "exit 1");
  await assertRejects(() => runHooks(dir, CONTEXT, LONG_MS), PhaulError, "15-fails");
  assertEquals(await Deno.readTextFile(`${dir}/.out`), "10-first\n20-second\n10-first\n");
  await Deno.remove(dir, { recursive: true });
});
