import { assert, assertEquals } from "@std/assert";
import { askDeno, readFiles, ROOT, type SourceFile } from "./project.ts";

async function documents(): Promise<SourceFile[]> {
  return await readFiles(
    ["README.md", "CHANGELOG.md", "docs", "vm/README.md", "systemd/README.md"],
    [".md"],
  );
}

/** What a document refers to: link targets, without those on other hosts and parts of a page. */
function linksOf({ text }: SourceFile): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target)
    .filter((target) => !/^(https?:|#)/.test(target))
    .map((target) => target.replace(/#.*$/, ""));
}

Deno.test("docs: each link leads to a file that is there", async () => {
  const dead: string[] = [];
  let links = 0;
  for (const document of await documents()) {
    for (const target of linksOf(document)) {
      links++;
      const url = new URL(target, `file://${ROOT}${document.path}`);
      const there = await Deno.stat(url).then(() => true, () => false);
      if (!there) dead.push(`${document.path}: ${target}`);
    }
  }
  assertEquals(dead, []);
  assert(links > 5, `only ${links} links were found`);
});

Deno.test("docs: each one is reached from the README", async () => {
  const readme = await Deno.readTextFile(`${ROOT}README.md`);
  const docs = (await documents()).map(({ path }) => path).filter((path) => path !== "README.md");
  assertEquals(docs.filter((path) => !readme.includes(`](${path})`)), []);
});

Deno.test("docs/library.md: its examples fit the library", async () => {
  const document = await Deno.readTextFile(`${ROOT}docs/library.md`);
  assert(document.includes("```ts\n"));
  await askDeno(["check", "--quiet", "--doc-only", "docs/library.md"]);
});
