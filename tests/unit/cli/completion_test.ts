import { assertEquals, assertStringIncludes } from "@std/assert";
import { runCli } from "../../../src/cli/run.ts";
import { fakeContext } from "./fakes.ts";

async function script(shell: string): Promise<string> {
  const context = fakeContext();
  assertEquals(await runCli(["completion", shell], context), 0);
  return context.terminal.stdout;
}

/** What a real bash completes `words` to, the last of them being typed. */
async function completed(...words: string[]): Promise<string[]> {
  const code = `${await script("bash")}
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _phaul; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const bash = new Deno.Command("bash", { args: ["-c", code, "bash", "phaul", ...words] });
  const { success, stdout, stderr } = await bash.output();
  assertEquals([success, new TextDecoder().decode(stderr)], [true, ""]);
  return new TextDecoder().decode(stdout).split("\n").filter(Boolean);
}

Deno.test("phaul completion bash: commands, flags, and values where they are few", async () => {
  assertEquals(await completed("mi"), ["migrate"]);
  assertEquals(await completed("migrate", "--max-d"), ["--max-downtime"]);
  assertEquals(await completed("migrate", "--restore", ""), ["auto", "lazy", "eager"]);
  assertEquals(await completed("migrate", "--skip-check", "pi"), [
    "pid-namespace",
    "pid-max",
    "pid-taken",
  ]);
  assertEquals(await completed("migrate", "--pid", ""), []);
  assertEquals(await completed("status", "--restore"), []);
  assertEquals(await completed("help", "exit"), ["exit-codes"]);
});

Deno.test("phaul completion bash: names of files where a file is meant", async () => {
  const dir = await Deno.makeTempDir();
  await Deno.writeTextFile(`${dir}/token of dst`, "");
  const found = await completed("migrate", "--token-file", `${dir}/tok`);
  assertEquals(found, [`${dir}/token of dst`]);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("phaul completion zsh, fish: every flag of every command, with its values", async () => {
  const zsh = await script("zsh");
  assertStringIncludes(zsh, "#compdef phaul");
  assertStringIncludes(zsh, "--restore=[");
  assertStringIncludes(zsh, "]:MODE:(auto lazy eager)'");
  assertStringIncludes(zsh, "]:HOST\\[\\:PORT\\]: '");
  const fish = await script("fish");
  assertStringIncludes(fish, "-l restore -x -a 'auto lazy eager'");
  assertStringIncludes(fish, "-l token-file -r -F");
});

Deno.test("phaul completion: another shell, and two, are usage errors", async () => {
  for (const args of [["tcsh"], [], ["bash", "zsh"], ["toString"]]) {
    assertEquals(await runCli(["completion", ...args], fakeContext()), 2);
  }
});
