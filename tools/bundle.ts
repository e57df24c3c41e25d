/**
 * The sources and their packages as a few files of JavaScript, to be compiled into the binary.
 *
 * Loaded one by one, some three hundred modules and the packages behind them take as long as the runtime
 * itself needs to start.
 *
 * @module
 */

import { LOCKED, ROOT, runDeno } from "./process.ts";

/** As deep below the project's folder as the files of src/, which look for proto/ from where they are. */
const FOLDER = "build/bundle";
const ASSETS = `${FOLDER}/assets`;

/** What was made, relative to the project's folder. */
export interface Bundle {
  readonly entry: string;
  /** What the bundle reads from beside itself. */
  readonly assets: string;
}

/** Makes the bundle of main.ts. What is loaded on demand stays apart, and stays on demand. */
export async function bundle(): Promise<Bundle> {
  await Deno.remove(`${ROOT}${FOLDER}`, { recursive: true }).catch(() => {});
  const { code, stderr } = await runDeno([
    ...["bundle", "--quiet", ...LOCKED, "--platform=deno", "--code-splitting"],
    ...["--outdir", FOLDER, "main.ts"],
  ]);
  if (code !== 0) throw new Error(`Cannot bundle: ${stderr}`);
  await Deno.mkdir(`${ROOT}${ASSETS}`);
  for await (const { name, isFile } of Deno.readDir(`${ROOT}${FOLDER}`)) {
    if (isFile) await mend(`${ROOT}${FOLDER}/${name}`);
  }
  return { entry: `${FOLDER}/main.js`, assets: ASSETS };
}

/** CommonJS modules in a file of the bundle are to work as the runtime would have them work. */
async function mend(path: string): Promise<void> {
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, importedAsByNode(await withAssets(text)));
}

/**
 * The default import of a CommonJS module is all that it exports, whatever it says of itself: the
 * bundler's helper follows that rule, Node's and Deno's, when it is told to.
 */
function importedAsByNode(text: string): string {
  return text.replaceAll(/__toESM\((require_\w+\(\))\)/g, "__toESM($1, 1)");
}

/** A CommonJS module that reads WebAssembly from beside itself will find it among the assets. */
async function withAssets(text: string): Promise<string> {
  const at = text.indexOf("__dirname");
  if (at === -1) return text;
  // The bundler says before each module where it came from, as seen from the project's folder.
  const users = text.split(/^(?=\/\/ .+\.c?js$)/m).filter((module) => module.includes("__dirname"));
  const origins = new Set(users.map((module) => /^\/\/ (.+)\/[^/]+$/m.exec(module)?.[1]));
  const [origin, ...others] = origins;
  if (origin === undefined || others.length > 0) {
    throw new Error(`Cannot tell whose "__dirname" it is: ${[...origins].join()}`);
  }
  let carried = text.replaceAll("__dirname", `(import.meta.dirname + "/assets")`);
  const files = await Array.fromAsync(Deno.readDir(`${ROOT}${origin}`));
  for (const { name } of files.filter((file) => file.name.endsWith(".wasm"))) {
    // The compiler would take it for a module by its name.
    const other = `${name}.bin`;
    await Deno.copyFile(`${ROOT}${origin}/${name}`, `${ROOT}${ASSETS}/${other}`);
    carried = carried.replaceAll(`"./${name}"`, `"./${other}"`);
  }
  return carried;
}
