import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { hostCriu } from "../../tools/host_criu.ts";
import { binary, runPhaul, tempDir } from "./binary.ts";

const ignore = Deno.uid() !== 0;

Deno.test(
  { name: "phaul selftest: moves its counter and leaves nothing behind", ignore },
  async () => {
    await using dir = await tempDir();
    const { code, stdout, stderr } = await runPhaul(["selftest", "--criu", await hostCriu()], {
      env: { TMPDIR: dir.path },
    });
    assertEquals([code, stdout], [0, ""], stderr);
    assertMatch(stderr, /the counter went from \d+ to \d+ without gap or repetition/);
    assertEquals([...Deno.readDirSync(dir.path)], []);
  },
);

Deno.test(
  { name: "phaul selftest: says what a host lacks, and leaves nothing behind", ignore },
  async () => {
    await using dir = await tempDir();
    const confined = ["--bounding-set", "-sys_admin", await binary(), "selftest"];
    const { code, stderr } = await runPhaul([...confined, "--criu", await hostCriu()], {
      program: "setpriv",
      env: { TMPDIR: dir.path },
    });
    assertEquals(code, 13, stderr);
    assertStringIncludes(stderr, "pid namespace");
    assertStringIncludes(stderr, "unshare --pid");
    assertEquals([...Deno.readDirSync(dir.path)], []);
  },
);

Deno.test({
  name: "phaul selftest, serve: a program that is no criu is told, with a remedy",
  ignore,
}, async () => {
  await using dir = await tempDir();
  const folders = ["--state-dir", `${dir.path}/state`, "--work-dir", `${dir.path}/work`];
  for (const args of [["selftest"], ["serve", "--listen", "127.0.0.1:0", ...folders]]) {
    const { code, stderr } = await runPhaul([...args, "--criu", "/bin/true"], {
      env: { TMPDIR: dir.path },
    });
    assertEquals(code, 50, stderr);
    assertStringIncludes(stderr, "Cannot ask criu for its version");
    assertStringIncludes(stderr, "name another with --criu");
  }
});
