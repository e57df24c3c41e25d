/**
 * A CRIU that works on this machine: the system's own when it does, else a private newer one from
 * Debian, unpacked under .cache and never installed. A distribution's CRIU is often older than the
 * kernel it meets: 3.17.1, for one, cannot read the vdso of a 6.18 kernel.
 *
 * `deno run -A tools/host_criu.ts [SUITE]` prints the path, for `--criu`.
 *
 * @module
 */

import { downloadClosure, findMirror, type Mirror } from "../vm/apt.ts";
import { cachedFolder, cacheRoot, contentKey } from "../vm/cache.ts";
import { run } from "./process.ts";

/** Tried in this order: a release first, then the newest there is. */
const SUITES: readonly string[] = ["trixie", "sid"];

/** Older ones lack `leave_stopped` in the RPC, so that less would be tested with them. */
const MIN_SYSTEM_VERSION = { major: 3, minor: 19 };

/** Raise it when the recipe below changes what ends up in the folder. */
const RECIPE = "1";

const MULTIARCH: Readonly<Record<string, { debian: string; triplet: string; loader: string }>> = {
  x86_64: {
    debian: "amd64",
    triplet: "x86_64-linux-gnu",
    loader: "usr/lib64/ld-linux-x86-64.so.2",
  },
  aarch64: {
    debian: "arm64",
    triplet: "aarch64-linux-gnu",
    loader: "usr/lib/ld-linux-aarch64.so.1",
  },
};

/** What {@linkcode hostCriu} is to return. */
export interface HostCriuOptions {
  /** Only a private CRIU of this Debian suite, such as "sid". */
  readonly suite?: string;
}

/**
 * The path of a CRIU whose `criu check` passes on this machine. The first call takes about ten seconds
 * and says so on stderr; later ones take one.
 *
 * @throws Error when neither the system's CRIU nor a private one works here
 */
export async function hostCriu(options: HostCriuOptions = {}): Promise<string> {
  if (options.suite !== undefined) return await privateCriu(options.suite);
  const system = await systemCriu();
  if (system !== undefined) return system;
  const failures: string[] = [];
  for (const suite of SUITES) {
    try {
      return await privateCriu(suite);
    } catch (error) {
      failures.push(`${suite}: ${error instanceof Error ? error.message : error}`);
    }
  }
  throw new Error(`Cannot make a CRIU that works here: ${failures.join("; ")}`);
}

async function systemCriu(): Promise<string | undefined> {
  for (const dir of ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"]) {
    const path = `${dir}/criu`;
    const version = await versionOf(path);
    if (version === undefined) continue;
    if (!isNewEnough(version)) {
      progress(`${path} is ${version}, too old for the tests`);
    } else if (await checkFailure(path) !== undefined) {
      progress(`${path} ${version} does not work on this kernel`);
    } else {
      return path;
    }
  }
  return undefined;
}

async function versionOf(path: string): Promise<string | undefined> {
  const { stdout } = await run(path, ["--version"]).catch(() => ({ stdout: "" }));
  return /^Version: (\S+)/m.exec(stdout)?.[1];
}

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const { major: wantedMajor, minor: wantedMinor } = MIN_SYSTEM_VERSION;
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** What `criu check` complains about; undefined when it is content. */
async function checkFailure(path: string): Promise<string | undefined> {
  const { code, stdout, stderr } = await run(path, ["check"]);
  if (code === 0) return undefined;
  return (stderr + stdout).trim().split("\n").at(-1) ?? `exit code ${code}`;
}

async function privateCriu(suite: string): Promise<string> {
  const arch = MULTIARCH[Deno.build.arch];
  if (arch === undefined) throw new Error(`Cannot make a CRIU for ${Deno.build.arch}`);
  const mirror = await findMirror();
  const key = await contentKey([RECIPE, suite, arch.debian, mirror.uri]);
  const dir = await cachedFolder(
    `host-criu-${suite}`,
    key,
    (dir) => unpack(dir, suite, arch.debian, mirror, wrapper(arch)),
  );
  const path = `${dir}/criu`;
  const failure = await checkFailure(path);
  if (failure !== undefined) throw new Error(`criu check fails: ${failure}`);
  return path;
}

async function unpack(
  dir: string,
  suite: string,
  architecture: string,
  mirror: Mirror,
  script: string,
): Promise<void> {
  const began = performance.now();
  progress(`downloading criu from Debian ${suite} into .cache (nothing is installed)`);
  const debs = await downloadClosure({
    suite,
    architecture,
    packages: ["criu"],
    mirror,
    dir: `${cacheRoot()}/apt-host-${suite}`,
  });
  progress(`unpacking ${debs.length} packages`);
  for (const deb of debs) {
    const { code, stderr } = await run("dpkg-deb", ["-x", deb, `${dir}/root`]);
    if (code !== 0) throw new Error(`Cannot unpack "${deb}": ${stderr.trim()}`);
  }
  await Deno.writeTextFile(`${dir}/criu`, script, { mode: 0o755 });
  progress(`criu is ready after ${((performance.now() - began) / 1000).toFixed(1)} s`);
}

/** Its own loader and libraries: the machine's C library may be older than this CRIU wants. */
function wrapper(arch: { readonly triplet: string; readonly loader: string }): string {
  return `#!/bin/sh
root=\${0%/*}/root
exec "$root/${arch.loader}" --library-path "$root/usr/lib/${arch.triplet}" \\
  --argv0 criu "$root/usr/sbin/criu" "$@"
`;
}

function progress(line: string): void {
  console.error(`host-criu: ${line}`);
}

if (import.meta.main) console.log(await hostCriu({ suite: Deno.args[0] }));
