/**
 * The project's files, for the checks of style.
 *
 * @module
 */

/** The project's folder, with a slash at its end. */
export const ROOT: string = new URL("../..", import.meta.url).pathname;

/** The folders below src/, lowest last. */
export const FOLDERS = [
  "cli",
  "haul",
  "archive",
  "journal",
  "migrate",
  "pages",
  "criu",
  "wire",
  "check",
  "proc",
  "sys",
] as const;

/** Where there is code. */
export const CODE: readonly string[] = ["main.ts", "src", "examples", "tools", "vm", "tests"];

/** A file and its text. */
export interface SourceFile {
  /** Relative to the project's folder. */
  readonly path: string;
  readonly text: string;
}

/** Every file below `places` that ends so, read. */
export async function readFiles(
  places: readonly string[],
  endings: readonly string[],
): Promise<SourceFile[]> {
  const paths = (await Promise.all(places.map(filesBelow))).flat();
  return await Promise.all(
    paths.filter((path) => endings.some((ending) => path.endsWith(ending)))
      .map(async (path) => ({ path, text: await Deno.readTextFile(ROOT + path) })),
  );
}

async function filesBelow(path: string): Promise<string[]> {
  const info = await Deno.stat(ROOT + path).catch(() => undefined);
  if (info === undefined) return [];
  if (info.isFile) return [path];
  const entries = await Array.fromAsync(Deno.readDir(ROOT + path));
  const below = await Promise.all(entries.map(({ name }) => filesBelow(`${path}/${name}`)));
  return below.flat().sort();
}

/** The folder below src/ that a file is in; undefined for src/mod.ts and files elsewhere. */
export function folderOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

/** What Deno prints for `args`. */
export async function askDeno(args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  if (!success) throw new Error(`deno ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** Text without comments and without what stands in quotes, in which code may be spoken about. */
export function bareCode(text: string): string {
  return text
    .replaceAll(/\/\*[\s\S]*?\*\//g, "")
    .replaceAll(/"(?:[^"\\\n]|\\.)*"/g, '""')
    .replaceAll(/^\s*\/\/.*$/gm, "");
}
