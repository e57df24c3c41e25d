/**
 * The runtime that `deno compile` puts under the program.
 *
 * Deno's own download comes first. Where it cannot be reached, a development build takes the
 * runtime out of an npm package: its executable was itself made by `deno compile`, and a new
 * payload replaces the old one. Such a build never calls itself a release.
 *
 * @module
 */

import { exists, ROOT, runDeno, sha256Hex } from "./process.ts";

/** Where the runtime of a build comes from. */
export type Runtime =
  | { readonly kind: "deno" }
  | { readonly kind: "fallback"; readonly path: string };

/** Long enough for a slow network's answer, short enough not to annoy in a closed one. */
const ANSWER_DEADLINE_MS = 5_000;

const FALLBACK = {
  target: "x86_64-unknown-linux-gnu",
  name: "@mcp-stress/linux-x64",
  version: "0.2.1",
  file: "bin/mcp-stress",
  sha256: "257898aee9a507fd3a899a902c465223f4554da362e813132f024570a545edb7",
};

/** Deno's own runtime when it is at hand or can be downloaded, else the development fallback. */
export async function findRuntime(): Promise<Runtime> {
  if (await ownRuntimeAtHand()) return { kind: "deno" };
  return { kind: "fallback", path: await fallbackRuntime() };
}

/** Whether Deno has its runtime in its cache or can fetch it. */
async function ownRuntimeAtHand(): Promise<boolean> {
  const named = `v${Deno.version.deno}/denort-${Deno.build.target}.zip`;
  if (await exists(`${(await denoFolders()).denoDir}/dl/release/${named}`)) return true;
  try {
    const response = await fetch(`https://dl.deno.land/release/${named}`, {
      method: "HEAD",
      signal: AbortSignal.timeout(ANSWER_DEADLINE_MS),
    });
    return response.ok;
  } catch {
    return false; // No answer, whatever the reason: a closed network.
  }
}

interface DenoFolders {
  readonly denoDir: string;
  readonly npmCache: string;
}

async function denoFolders(): Promise<DenoFolders> {
  const info = await runDeno(["info", "--json"]);
  return JSON.parse(info.stdout);
}

/**
 * The fallback runtime, kept in `.cache/`.
 *
 * @returns Its path.
 * @throws When there is none for this machine, or when it is not the expected file.
 */
async function fallbackRuntime(): Promise<string> {
  const { target, sha256, version } = FALLBACK;
  if (Deno.build.target !== target) {
    throw new Error(
      `Cannot fetch Deno's runtime, and there is no development fallback for ${Deno.build.target}: ` +
        "build on a machine whose network is open",
    );
  }
  const cached = `${ROOT}.cache/denort-${version}-${sha256.slice(0, 8)}`;
  if (await exists(cached) && await hasDigest(cached, sha256)) return cached;
  const fetched = await fetchFallback();
  if (!await hasDigest(fetched, sha256)) {
    throw new Error(`Cannot use "${fetched}" as a runtime: its SHA-256 is not ${sha256}`);
  }
  await Deno.mkdir(`${ROOT}.cache`, { recursive: true });
  const partial = await Deno.makeTempFile({ dir: `${ROOT}.cache`, prefix: "denort-" });
  await Deno.copyFile(fetched, partial);
  await Deno.chmod(partial, 0o755);
  await Deno.rename(partial, cached);
  return cached;
}

async function hasDigest(path: string, sha256: string): Promise<boolean> {
  return await sha256Hex(await Deno.readFile(path)) === sha256;
}

/** Has Deno's npm client fetch the package, and finds the file in its cache. */
async function fetchFallback(): Promise<string> {
  const { name, version, file } = FALLBACK;
  const fetched = await runDeno(["cache", "--no-config", "--no-lock", `npm:${name}@${version}`]);
  if (fetched.code !== 0) throw new Error(`Cannot fetch ${name}@${version}: ${fetched.stderr}`);
  const { npmCache } = await denoFolders();
  // One folder per registry, so that nothing here needs to know which one this machine uses.
  for await (const registry of Deno.readDir(npmCache)) {
    const path = `${npmCache}/${registry.name}/${name}/${version}/${file}`;
    if (await exists(path)) return path;
  }
  throw new Error(`Cannot find "${file}" of ${name}@${version} below "${npmCache}"`);
}
