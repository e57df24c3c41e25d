import { assertEquals } from "@std/assert";
import { cliDoc } from "../../../tools/cli_doc.ts";
import { ROOT } from "../../../tools/process.ts";

Deno.test('docs/cli.md: holds the help texts of today ("deno task docs" writes them)', async () => {
  assertEquals(await Deno.readTextFile(`${ROOT}docs/cli.md`), cliDoc());
});
