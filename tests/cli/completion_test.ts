/** Completions as the shells themselves make use of them. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { runPhaul } from "./binary.ts";

/** Types at an interactive zsh, and prints what its line shows then. */
const ZSH = String.raw`
zmodload zsh/zpty
zpty shell TERM=vt100 zsh -f -i
zpty -w shell "autoload -Uz compinit; compinit -u -D; source $1; print READY$((1+1))"
while zpty -r shell line; do [[ $line == *READY2* ]] && break; done
zpty -n -w shell $'phaul migr\t --restore=ea\t'
for try in {1..200}; do
  while zpty -r -t shell chunk; do shown+=$chunk; done
  [[ $shown == *eager* ]] && break
  sleep 0.1
done
print -r -- $shown
zpty -d shell
`;

async function shell(program: string, args: readonly string[]): Promise<string> {
  const command = new Deno.Command(program, { args: [...args], stdin: "null" });
  const { stdout, stderr } = await command.output();
  assertEquals(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout);
}

async function script(name: string): Promise<string> {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, (await runPhaul(["completion", name])).stdout);
  return path;
}

Deno.test("completion zsh: zsh completes a command and the value of a flag", async () => {
  const shown = await shell("zsh", ["-f", "-c", ZSH, "zsh", await script("zsh")]);
  // deno-lint-ignore no-control-regex
  const text = shown.replace(/\x1b\[[?\d]*[a-zA-Z]|[\x00\b]/g, "");
  assertStringIncludes(text, "phaul migrate");
  assertStringIncludes(text, "--restore=eager");
});

Deno.test("completion fish: fish completes commands, flags and their values", async () => {
  const path = await script("fish");
  const complete = async (line: string) => {
    const out = await shell("fish", ["-c", `source ${path}; complete -C "${line}"`]);
    return out.trim().split("\n").map((one) => one.split("\t")[0]);
  };
  assertEquals(await complete("phaul mig"), ["migrate"]);
  assertEquals(await complete("phaul migrate --restore-"), [""]);
  assertEquals(await complete("phaul migrate --resto"), ["--restore"]);
  assertEquals(await complete("phaul migrate --restore "), ["auto", "eager", "lazy"]);
});
