import { assertEquals, assertRejects } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { runHook } from "../../../src/haul/hook.ts";

const CONTEXT = { stage: "frozen", side: "source", migration: "0".repeat(32), pid: 7 } as const;
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

Deno.test("runHook: a program that is not there is named", async () => {
  await assertRejects(
    () => runHook("/no/such/hook", CONTEXT, LONG_MS),
    PhaulError,
    "/no/such/hook",
  );
});
