/**
 * `deno task lock`: writes deno.lock anew from imports.json, and tests/browser/deno.lock, which has what
 * drives a browser as well.
 *
 * The imports live in imports.json and deno.json says `"lock": false` because `deno task` itself
 * fetches every package that deno.json or an automatic lock names, before the task could set
 * DENO_TLS_CA_STORE: behind a proxy with a CA of its own not even `deno task build` would start.
 * The tasks hand `--lock=deno.lock --frozen` to each Deno they run instead.
 *
 * @module
 */

import { PLAYWRIGHT } from "../tests/browser/browser.ts";
import { ROOT, runDeno } from "./process.ts";

interface ImportMap {
  readonly imports: Readonly<Record<string, string>>;
}

const map: ImportMap = JSON.parse(await Deno.readTextFile(`${ROOT}imports.json`));
const packages = Object.values(map.imports);
await writeLock(`${ROOT}deno.lock`, packages);
await writeLock(`${ROOT}tests/browser/deno.lock`, [...packages, PLAYWRIGHT]);

async function writeLock(lock: string, packages: readonly string[]): Promise<void> {
  await Deno.remove(lock).catch(() => {});
  const args = ["cache", "--quiet", `--lock=${lock}`, "--frozen=false", ...packages];
  const cached = await runDeno(args, { show: true });
  if (cached.code !== 0) Deno.exit(cached.code);
}
