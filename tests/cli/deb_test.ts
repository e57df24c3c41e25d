import { assertEquals, assertStringIncludes } from "@std/assert";
import { buildDeb } from "../../tools/deb.ts";
import { binary, tempDir } from "./binary.ts";

async function dpkg(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("dpkg-deb", { args }).output();
  assertEquals([success, new TextDecoder().decode(stderr)], [true, ""]);
  return new TextDecoder().decode(stdout);
}

Deno.test("build --deb: the program, its units, page and completions, with criu required", async () => {
  const deb = await buildDeb(await binary());
  assertStringIncludes(await dpkg("--field", deb, "Depends"), "criu (>= 3.17)");
  const listing = await dpkg("--contents", deb);
  for (
    const path of [
      "./usr/bin/phaul",
      "./usr/lib/systemd/system/phaul-serve.service",
      "./usr/share/man/man1/phaul.1.gz",
      "./usr/share/bash-completion/completions/phaul",
    ]
  ) {
    assertEquals(
      new RegExp(`root/root .* ${path.replaceAll(".", "[.]")}\n`).test(listing),
      true,
      path,
    );
  }
  await using dir = await tempDir();
  await dpkg("--extract", deb, dir.path);
  const unit = await Deno.readTextFile(`${dir.path}/usr/lib/systemd/system/phaul-serve.service`);
  assertStringIncludes(unit, "ExecStart=/usr/bin/phaul serve");
  const program = new Deno.Command(`${dir.path}/usr/bin/phaul`, {
    args: ["version"],
    clearEnv: true,
  });
  assertStringIncludes(new TextDecoder().decode((await program.output()).stdout), "phaul ");
});
