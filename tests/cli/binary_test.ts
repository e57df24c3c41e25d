import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { hostCriu } from "../../tools/host_criu.ts";
import { binary, runPhaul, tempDir } from "./binary.ts";

interface Record {
  readonly kind: "release" | "development";
}

async function buildRecord(): Promise<Record> {
  return JSON.parse(await Deno.readTextFile(new URL("../../dist/build.json", import.meta.url)));
}

Deno.test("binary: runs alone in an empty directory, with an empty environment and no Deno", async () => {
  await using dir = await tempDir();
  const program = `${dir.path}/phaul`;
  await Deno.copyFile(await binary(), program);
  const { success, stdout } = await new Deno.Command(program, {
    args: ["help"],
    cwd: dir.path,
    clearEnv: true,
    stdin: "null",
  }).output();
  assert(success);
  assertStringIncludes(new TextDecoder().decode(stdout), "Usage: phaul COMMAND");
  const left = await Array.fromAsync(Deno.readDir(dir.path));
  assertEquals(left.map(({ name }) => name), ["phaul"]);
});

Deno.test({
  name: "binary: help and version need no root",
  ignore: Deno.uid() !== 0, // Without root every other test here shows the same.
  async fn() {
    await using dir = await tempDir();
    await Deno.chmod(dir.path, 0o755);
    const program = `${dir.path}/phaul`;
    await Deno.copyFile(await binary(), program);
    for (const command of ["help", "version"]) {
      const { code, stderr } = await runPhaul([command], { uid: 65_534, program });
      assertEquals([code, stderr], [0, ""]);
    }
  },
});

Deno.test("phaul version: says what kind of build it is, as the build recorded it", async () => {
  const { kind } = await buildRecord();
  const { stdout } = await runPhaul(["version"]);
  assertStringIncludes(stdout.split("\n")[0] ?? "", `(${kind} build`);
  const { stdout: json } = await runPhaul(["version", "--json"]);
  assertEquals(JSON.parse(json).phaul.kind, kind);
});

Deno.test({
  name: "binary: carries the messages' definitions along",
  ignore: Deno.uid() !== 0, // criu answers root only.
  async fn() {
    // Without proto/ no criu could be asked for its version.
    const path = await hostCriu();
    const { stdout } = await runPhaul(["version", "--json", "--criu", path]);
    const { criu } = JSON.parse(stdout);
    assertEquals(criu.path, path);
    assert(/^\d+\.\d+/.test(criu.version), JSON.stringify(criu));
  },
});

Deno.test("phaul --help: prints to standard output only", async () => {
  const { code, stdout, stderr } = await runPhaul(["--help"]);
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, "migrate");
});

Deno.test("phaul: a reader that went away does not make it fail", async () => {
  const script = `{ sleep 0.1; "$0" help migrate; } | :; exit "\${PIPESTATUS[0]}"`;
  const { code } = await new Deno.Command("bash", { args: ["-c", script, await binary()] })
    .output();
  assertEquals(code, 0);
});
