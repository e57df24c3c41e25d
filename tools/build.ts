/**
 * `deno task build [--release] [--deb]`: makes dist/phaul from main.ts by `deno compile`, and a Debian
 * package of it.
 *
 * Nothing is done when no input changed. With `--release` only a release build will do: Deno's own
 * runtime and committed sources.
 *
 * @module
 */

import { bundle } from "./bundle.ts";
import { findRuntime, type Runtime } from "./denort.ts";
import { exists, LOCKED, ROOT, run, runDeno, sha256Hex } from "./process.ts";

/** What the binary is told about its own making; `src/cli/build_info.ts` reads it. */
interface BuildInfo {
  readonly kind: "release" | "development";
  /** The last commit that touched an input; absent outside a clone. */
  readonly commit?: string;
  /** True when an input differs from that commit. */
  readonly modified: boolean;
}

/** What the last build left beside the binary. */
interface BuildRecord {
  readonly inputs: string;
  readonly kind: BuildInfo["kind"];
}

/** The compiled program. */
export const BINARY: string = `${ROOT}dist/phaul`;

/**
 * The runtime collects garbage for the first time when its heap has grown to this, in MiB. By itself it
 * would do so at some 16, which a migration reaches as it comes to the switchover: 80 ms of work on each
 * side, while the tree stands still. What phaul has in its heap does not depend on the tree's size.
 */
const HEAP_MIB = 128;

const RECORD = `${ROOT}dist/build.json`;
const INFO = "build/build-info.json";
const INPUTS = ["main.ts", "src", "proto", "deno.json", "deno.lock", "imports.json"];
const TOOLS = ["tools/build.ts", "tools/bundle.ts", "tools/denort.ts"];

if (import.meta.main) {
  try {
    await build(Deno.args.includes("--release"));
    if (Deno.args.includes("--deb")) {
      const { buildDeb } = await import("./deb.ts");
      console.log(`Built ${(await buildDeb(BINARY)).slice(ROOT.length)}`);
    }
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}

/**
 * Makes {@linkcode BINARY} unless it is up to date.
 *
 * @throws When the sources do not check, no runtime is found or the result does not run.
 */
export async function build(release: boolean): Promise<void> {
  await Deno.mkdir(`${ROOT}dist`, { recursive: true });
  // Two builds at once (a test run beside a person) take turns; the second finds nothing to do.
  using turn = await Deno.open(`${ROOT}dist/.lock`, { create: true, write: true });
  await turn.lock(true);

  const commit = await readCommit();
  const inputs = await digestInputs(commit);
  const last = await readRecord();
  if (last?.inputs === inputs && await exists(BINARY) && (!release || last.kind === "release")) {
    return console.log(`dist/phaul is up to date (${last.kind} build)`);
  }
  const runtime = await findRuntime();
  const kind = runtime.kind === "deno" && commit.commit !== undefined && !commit.modified
    ? "release"
    : "development";
  if (release && kind !== "release") throw new Error(whyNoRelease(runtime));

  await mustSucceed("check the sources", ["check", "--quiet", ...LOCKED, "main.ts"]);
  await compile({ kind, ...commit }, runtime);
  const record: BuildRecord = { inputs, kind };
  await Deno.writeTextFile(RECORD, JSON.stringify(record));
  const { size } = await Deno.stat(BINARY);
  const whence = runtime.kind === "deno"
    ? ""
    : "; Deno's own runtime cannot be reached, its development fallback was taken";
  console.log(`Built dist/phaul (${kind} build, ${(size / 2 ** 20).toFixed(0)} MiB)${whence}`);
}

function whyNoRelease(runtime: Runtime): string {
  return runtime.kind === "fallback"
    ? "Cannot make a release build: Deno's own runtime cannot be reached from here"
    : "Cannot make a release build: commit the changes first";
}

/** Compiles into a partial file, tries it, and only then puts it in place. */
async function compile(info: BuildInfo, runtime: Runtime): Promise<void> {
  await Deno.mkdir(`${ROOT}build`, { recursive: true });
  await Deno.writeTextFile(`${ROOT}${INFO}`, JSON.stringify(info));
  const { entry, assets } = await bundle();
  const partial = `${BINARY}.partial`;
  const env = runtime.kind === "fallback" ? { DENORT_BIN: runtime.path } : undefined;
  const includes = ["proto", INFO, assets].flatMap((path) => ["--include", path]);
  await mustSucceed(
    "compile",
    [
      ...["compile", "--quiet", "--no-check", "--allow-all", "--no-config", "--no-lock"],
      // All packages are in the bundle: any that it had to resolve would make it start later.
      "--no-npm",
      // It would be a file in /tmp, where anybody may put one, and root would run what it holds.
      "--no-code-cache",
      `--v8-flags=--initial-old-space-size=${HEAP_MIB}`,
      ...[...includes, "--output", partial, entry],
    ],
    env,
  );
  const tried = await run(partial, ["version"], { cwd: "/", clearEnv: true });
  if (tried.code !== 0 || !tried.stdout.includes(`${info.kind} build`)) {
    throw new Error(
      `Cannot run what was built with Deno ${Deno.version.deno}: ${tried.stdout}${tried.stderr}\n` +
        'Use the version that the project is built with: "npx -y deno@2.6.8 task build"',
    );
  }
  await Deno.rename(partial, BINARY);
}

async function mustSucceed(
  what: string,
  args: readonly string[],
  env?: Record<string, string>,
): Promise<void> {
  const outcome = await runDeno(args, { env });
  if (outcome.code !== 0) throw new Error(`Cannot ${what}: ${outcome.stdout}${outcome.stderr}`);
}

async function readRecord(): Promise<BuildRecord | undefined> {
  if (!await exists(RECORD)) return undefined;
  return JSON.parse(await Deno.readTextFile(RECORD));
}

/** The last commit of the inputs, not of the project: a change of the docs makes no new binary. */
async function readCommit(): Promise<Pick<BuildInfo, "commit" | "modified">> {
  try {
    const log = await run("git", ["log", "-1", "--format=%H", "--", ...INPUTS]);
    const status = await run("git", ["status", "--porcelain", "--", ...INPUTS]);
    const commit = log.code === 0 ? log.stdout.trim() : "";
    if (commit === "") return { modified: false };
    return { commit, modified: status.stdout !== "" };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { modified: false };
    throw error;
  }
}

async function digestInputs(commit: Pick<BuildInfo, "commit" | "modified">): Promise<string> {
  const parts = [JSON.stringify([Deno.version.deno, Deno.build.target, commit])];
  for (const path of [...INPUTS, ...TOOLS]) {
    for (const file of await filesBelow(path)) {
      parts.push(`${file} ${await sha256Hex(await Deno.readFile(`${ROOT}${file}`))}`);
    }
  }
  return await sha256Hex(new TextEncoder().encode(parts.join("\n")));
}

/** All files below `path`, or itself when it is one, in a fixed order. */
async function filesBelow(path: string): Promise<string[]> {
  if ((await Deno.stat(`${ROOT}${path}`)).isFile) return [path];
  const files: string[] = [];
  for await (const entry of Deno.readDir(`${ROOT}${path}`)) {
    files.push(...await filesBelow(`${path}/${entry.name}`));
  }
  return files.sort();
}
