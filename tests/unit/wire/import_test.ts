import { assertEquals } from "@std/assert";

Deno.test("src/wire: importing it reads no file, opens nothing and asks for no permission", async () => {
  const entry = new URL("../../../src/wire/mod.ts", import.meta.url);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--deny-read",
      "--deny-net",
      "--deny-run",
      "--deny-write",
      entry.href,
    ],
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).output();
  assertEquals(success, true, new TextDecoder().decode(stderr));
});
