import { assertRejects } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { selftest } from "../../../src/haul/selftest.ts";
import { loadLibc } from "../../../src/sys/mod.ts";

loadLibc();

Deno.test("selftest: a criu that does not work is told as a failure, not as a crash", async () => {
  const criuPath = await Deno.makeTempFile();
  await Deno.writeTextFile(criuPath, "#!/bin/sh\nexit 1\n");
  await Deno.chmod(criuPath, 0o700);
  try {
    const run = () => selftest({ criuPath }, () => {}, new AbortController().signal);
    await assertRejects(run, PhaulError, "criu ended with exit code 1");
  } finally {
    await Deno.remove(criuPath);
  }
});
