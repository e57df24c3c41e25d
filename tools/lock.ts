/**
 * `deno task lock`: writes deno.lock anew from imports.json.
 *
 * The imports live in imports.json and deno.json says `"lock": false` because `deno task` itself
 * fetches every package that deno.json or an automatic lock names, before the task could set
 * DENO_TLS_CA_STORE: behind a proxy with a CA of its own not even `deno task build` would start.
 * The tasks hand `--lock=deno.lock --frozen` to each Deno they run instead.
 *
 * @module
 */

import { ROOT, runDeno } from "./process.ts";

interface ImportMap {
  readonly imports: Readonly<Record<string, string>>;
}

const map: ImportMap = JSON.parse(await Deno.readTextFile(`${ROOT}imports.json`));
const lock = `${ROOT}deno.lock`;
await Deno.remove(lock).catch(() => {});
const cached = await runDeno(
  ["cache", "--quiet", `--lock=${lock}`, "--frozen=false", ...Object.values(map.imports)],
  { show: true },
);
Deno.exit(cached.code);
