import { assert, assertEquals } from "@std/assert";
import { askDeno, folderOf, FOLDERS, readFiles, ROOT } from "./project.ts";

/** Who may import whom, besides its own folder and src/errors.ts, which all may. */
const MAY_IMPORT: Readonly<Record<(typeof FOLDERS)[number], readonly string[]>> = {
  cli: ["haul"],
  haul: ["migrate", "criu", "pages", "wire", "check", "proc", "journal", "archive"],
  archive: ["pages", "wire", "proc"],
  journal: ["migrate", "wire", "proc"],
  pages: ["criu", "proc", "sys"],
  criu: ["sys"],
  check: ["proc"],
  proc: ["sys"],
  wire: [],
  migrate: [],
  sys: [],
};

interface Resolved {
  readonly specifier?: string;
}

interface ModuleInfo {
  readonly specifier: string;
  readonly dependencies?: readonly { readonly code?: Resolved; readonly type?: Resolved }[];
}

/** Each import between two files of the project, of types too. */
async function importsOf(entry: string): Promise<{ from: string; to: string }[]> {
  const { modules }: { modules: ModuleInfo[] } = JSON.parse(
    await askDeno(["info", "--json", entry]),
  );
  const relative = (specifier: string) => specifier.replace(`file://${ROOT}`, "");
  return modules.flatMap(({ specifier, dependencies = [] }) =>
    dependencies.flatMap(({ code, type }) => [code?.specifier, type?.specifier])
      .filter((to) => to !== undefined)
      .map((to) => ({ from: relative(specifier), to: relative(to) }))
  );
}

/** The graph of all of `places`, also of files that no entry point reaches. */
async function graphOf(places: readonly string[]): Promise<{ from: string; to: string }[]> {
  const files = await readFiles(places, [".ts"]);
  const entry = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(
      entry,
      files.map(({ path }) => `import ${JSON.stringify(`file://${ROOT}${path}`)};\n`).join(""),
    );
    return (await importsOf(entry)).filter(({ from }) => !from.startsWith("file:"));
  } finally {
    await Deno.remove(entry);
  }
}

Deno.test("src: each folder imports only what the architecture allows", async () => {
  const graph = await graphOf(["src"]);
  const offences = graph.filter(({ from, to }) => {
    const folder = folderOf(from);
    const allowed = Object.entries(MAY_IMPORT).find(([name]) => name === folder)?.[1];
    if (allowed === undefined || !to.startsWith("src/") || to === "src/errors.ts") return false;
    const target = folderOf(to);
    return target !== folder && (target === undefined || !allowed.includes(target));
  });
  assertEquals(offences, []);
  // Were the graph misread, there would be nothing to object to either.
  assert(graph.some(({ from, to }) => folderOf(from) === "criu" && folderOf(to) === "sys"));
});

Deno.test("src: has no folder beside those of the architecture", async () => {
  const entries = await Array.fromAsync(Deno.readDir(`${ROOT}src`));
  const folders = entries.filter((entry) => entry.isDirectory).map((entry) => entry.name);
  assertEquals(folders.sort(), [...FOLDERS].sort());
});

Deno.test("src: imports nothing of the harness, the tools or the tests", async () => {
  const graph = await graphOf(["src", "main.ts"]);
  assertEquals(graph.filter(({ to }) => /^(vm|tools|tests)\//.test(to)), []);
});

Deno.test("src/errors.ts: imports nothing", async () => {
  assertEquals((await importsOf("src/errors.ts")).map(({ to }) => to), []);
});

Deno.test("vm: drives the binary and never imports src", async () => {
  const graph = await graphOf(["vm"]);
  assertEquals(
    graph.filter(({ from, to }) => from.startsWith("vm/") && to.startsWith("src/")),
    [],
  );
});
