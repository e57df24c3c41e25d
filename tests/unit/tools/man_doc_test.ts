import { assertEquals } from "@std/assert";
import { MAN_PAGE, manPage } from "../../../tools/man_doc.ts";
import { ROOT } from "../../../tools/process.ts";

Deno.test('docs/man/phaul.1: holds the help of today ("deno task docs" writes it)', async () => {
  assertEquals(await Deno.readTextFile(ROOT + MAN_PAGE), manPage());
});

Deno.test("manPage: nothing but macros of man(7) begins with a dot", () => {
  const odd = manPage().split("\n").filter((line) =>
    /^[.']/.test(line) && !/^\.(\\"|TH|SH|SS|B|BR|TP|PP|br)( |$)/.test(line)
  );
  assertEquals(odd, []);
});
