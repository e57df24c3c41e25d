import { assert, assertEquals } from "@std/assert";
import { askDeno, bareCode, CODE, folderOf, readFiles, ROOT, type SourceFile } from "./project.ts";

/** Beyond this a file holds more than one thing. */
const MAX_LINES = 300;
/** A test file may be a long list of cases. */
const MAX_TEST_LINES = 400;

/** A program of its own, which phaul starts: what it does must go on without phaul. */
const FAULT_SERVER = "src/pages/fault_server.ts";
/** The same, started by rsync: it is what rsync speaks to. */
const FILES_PIPE = "src/haul/files/files_pipe.ts";

/** Names that only one part of src/ and main.ts may use. */
const RESERVED: readonly { what: RegExp; allowed: (path: string) => boolean; who: string }[] = [
  {
    what: /\bDeno\.(dlopen|Unsafe\w+)/,
    allowed: (path) => folderOf(path) === "sys",
    who: "Only src/sys touches FFI",
  },
  {
    what: /\bDeno\.(exit|args)\b/,
    allowed: (path) => ["main.ts", FAULT_SERVER, FILES_PIPE].includes(path),
    who: "Only programs have args and exit",
  },
  {
    what: /\bconsole\.|\bDeno\.(stdout|stderr)\b/,
    allowed: (path) => folderOf(path) === "cli" || path === FILES_PIPE,
    who: "Only src/cli prints",
  },
  {
    what: /\bDeno\.addSignalListener\b/,
    allowed: (path) => folderOf(path) === "cli" || path === FAULT_SERVER,
    who: "Only src/cli and the fault server listen to signals",
  },
  {
    // Deadlines are by performance.now() and timers, which no change of the clock reaches.
    what: /\bDate\b(?!["'])/,
    allowed: (path) =>
      [
        "src/archive/format.ts",
        "src/archive/tar.ts",
        "src/cli/reporter.ts",
        "src/haul/history.ts",
        "src/haul/host_report.ts",
        "src/haul/record.ts",
        "src/haul/restored_archives.ts",
        "src/journal/store.ts",
        "src/wire/certificate.ts",
      ].includes(path),
    who: "The time of day is only written down and told, never waited by",
  },
];

async function program(): Promise<SourceFile[]> {
  return await readFiles(["src", "main.ts"], [".ts"]);
}

for (const { what, allowed, who } of RESERVED) {
  Deno.test(`src: ${who}`, async () => {
    const users = (await program()).filter(({ text }) => what.test(bareCode(text)));
    assertEquals(users.map(({ path }) => path).filter((path) => !allowed(path)), []);
  });
}

Deno.test("src: only src/criu sees criu_* messages", async () => {
  const users = (await program()).filter(({ text }) =>
    /\bcriu_(req|resp|opts|notify)\b/.test(text)
  );
  assertEquals(users.map(({ path }) => path).filter((path) => folderOf(path) !== "criu"), []);
});

Deno.test("code: has no default exports", async () => {
  const files = await readFiles(CODE, [".ts"]);
  const offences = files.filter(({ text }) => /^export default\b|\bas default\b/m.test(text));
  assertEquals(offences.map(({ path }) => path), []);
});

Deno.test("code: switches no rule against any off, and leaves no type unchecked", async () => {
  const files = await readFiles(CODE, [".ts"]);
  const wayOut = new RegExp("no-explicit-" + "any|@ts-" + "(ignore|expect-error|nocheck)");
  assertEquals(files.filter(({ text }) => wayOut.test(text)).map(({ path }) => path), []);
});

Deno.test(`code: no file is longer than ${MAX_LINES} lines`, async () => {
  const long = (await readFiles(CODE, [".ts"])).flatMap(({ path, text }) => {
    const lines = text.split("\n").length - 1;
    const most = path.startsWith("tests/") ? MAX_TEST_LINES : MAX_LINES;
    return lines > most ? [`${path}: ${lines}`] : [];
  });
  assertEquals(long, []);
});

Deno.test("code: no file is called utils.ts", async () => {
  const files = await readFiles(CODE, ["/utils.ts", "/util.ts"]);
  assertEquals(files.map(({ path }) => path), []);
});

Deno.test("imports.json: has no name that nobody imports", async () => {
  const { imports }: { imports: Record<string, string> } = JSON.parse(
    await Deno.readTextFile(`${ROOT}imports.json`),
  );
  const code = (await readFiles(CODE, [".ts"])).map(({ text }) => text).join("\n");
  const imported = (name: string) =>
    code.includes(`from "${name}"`) || code.includes(`import("${name}"`);
  assertEquals(Object.keys(imports).filter((name) => !imported(name)), []);
});

Deno.test("src: standard input is never read", async () => {
  const readers = (await program()).filter(({ text }) => /\bDeno\.stdin\b/.test(bareCode(text)));
  assertEquals(readers.map(({ path }) => path).filter((path) => path !== FILES_PIPE), []);
});

interface DocNode {
  readonly name: string;
  readonly kind?: string;
  readonly declarationKind?: string;
  readonly location?: { readonly filename: string; readonly line: number };
  readonly jsDoc?: { readonly doc?: string };
}

/** The output of `deno doc --json` holds its nodes at different depths in different versions. */
function docNodes(value: unknown): DocNode[] {
  if (typeof value !== "object" || value === null) return [];
  const below = Object.values(value).flatMap(docNodes);
  return "declarationKind" in value && "name" in value
    ? [{ ...value } as DocNode, ...below]
    : below;
}

Deno.test("src: every export has its JSDoc", async () => {
  const files = (await program()).map(({ path }) => path);
  const nodes = docNodes(JSON.parse(await askDeno(["doc", "--json", ...files])));
  // A reference is an export of another file's, which has its JSDoc there.
  const exported = nodes.filter(({ declarationKind, kind }) =>
    declarationKind === "export" && kind !== "moduleDoc" && kind !== "reference"
  );
  const bare = exported.filter(({ jsDoc }) => (jsDoc?.doc ?? "").trim() === "");
  assertEquals(
    bare.map(({ name, location }) =>
      `${location?.filename.replace(`file://${ROOT}`, "")}:${location?.line} ${name}`
    ),
    [],
  );
  assert(exported.length > 100, `only ${exported.length} exports were found`);
});
