/**
 * A closure of Debian packages for a guest, downloaded by this machine's apt without touching its
 * own state: every directory is redirected and dpkg's status is empty.
 */

import { exists, runHere } from "./command.ts";

/** Where packages come from. */
export interface Mirror {
  readonly uri: string;
  /** Keyring that signs the archive, if the machine's configuration names one. */
  readonly signedBy?: string;
}

const DEBIAN_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** The Debian archive that this machine itself uses, or Debian's own address. */
export async function findMirror(): Promise<Mirror> {
  for (const file of await sourceFiles()) {
    const text = await Deno.readTextFile(file);
    const mirror = file.endsWith(".sources") ? fromDeb822(text) : fromLines(text);
    if (mirror) return mirror;
  }
  const signedBy = exists(DEBIAN_KEYRING) ? DEBIAN_KEYRING : undefined;
  return { uri: "http://deb.debian.org/debian", signedBy };
}

async function sourceFiles(): Promise<string[]> {
  const files: string[] = [];
  if (exists("/etc/apt/sources.list")) files.push("/etc/apt/sources.list");
  if (exists("/etc/apt/sources.list.d")) {
    for await (const { name } of Deno.readDir("/etc/apt/sources.list.d")) {
      if (/\.(list|sources)$/.test(name)) files.push(`/etc/apt/sources.list.d/${name}`);
    }
  }
  return files.sort();
}

/** A Debian archive proper ends in /debian; security, backports and third parties do not. */
function isArchive(uri: string): boolean {
  return /^[a-z+]+:.*\/debian\/?$/.test(uri);
}

/** The archive in a file of the deb822 form (*.sources). */
export function fromDeb822(text: string): Mirror | undefined {
  for (const stanza of text.split(/\n\s*\n/)) {
    if (/^Enabled:\s*no/mi.test(stanza)) continue;
    const uri = field(stanza, "URIs")?.split(/\s+/).find(isArchive);
    if (!uri) continue;
    const signedBy = field(stanza, "Signed-By");
    return { uri, signedBy: signedBy?.startsWith("/") ? signedBy : undefined };
  }
  return undefined;
}

function field(stanza: string, name: string): string | undefined {
  return new RegExp(`^${name}:[ \\t]*(\\S.*)$`, "mi").exec(stanza)?.[1]?.trim();
}

/** The archive in a file of the one-line form (*.list). */
export function fromLines(text: string): Mirror | undefined {
  for (const line of text.split("\n")) {
    const match = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+\S+/.exec(line.trim());
    const uri = match?.[2];
    if (!uri || !isArchive(uri)) continue;
    return { uri, signedBy: /signed-by=(\S+)/.exec(match?.[1] ?? "")?.[1] };
  }
  return undefined;
}

/** What {@linkcode downloadClosure} needs. */
export interface ClosureOptions {
  readonly suite: string;
  /** Debian's name of the architecture, as amd64. */
  readonly architecture: string;
  readonly packages: readonly string[];
  readonly mirror: Mirror;
  /** Holds apt's state and the downloaded packages; kept, so that a second time is quick. */
  readonly dir: string;
}

/**
 * Downloads the packages with all that they depend on and returns the paths of the .deb files.
 *
 * @throws {HostCommandError} with apt's words when it cannot.
 */
export async function downloadClosure(options: ClosureOptions): Promise<string[]> {
  const { dir, mirror, suite } = options;
  for (const sub of ["etc", "state/lists/partial", "cache/archives/partial"]) {
    await Deno.mkdir(`${dir}/${sub}`, { recursive: true });
  }
  await Deno.writeTextFile(`${dir}/status`, "");
  const signedBy = mirror.signedBy ? ` [signed-by=${mirror.signedBy}]` : "";
  await Deno.writeTextFile(
    `${dir}/etc/sources.list`,
    `deb${signedBy} ${mirror.uri} ${suite} main\n`,
  );
  const settings = aptSettings(options);
  await runHere("apt-get", [...settings, "update", "-q"]);
  const install = ["install", "-y", "-q", "--no-install-recommends", ...options.packages];
  await runHere("apt-get", [...settings, "--download-only", ...install]);
  const uris = await runHere("apt-get", [...settings, "--simulate", ...install]);
  return await debsOf(`${dir}/cache/archives`, uris);
}

function aptSettings({ dir, architecture }: ClosureOptions): string[] {
  return [
    `Dir::State=${dir}/state`,
    `Dir::State::status=${dir}/status`,
    `Dir::Cache=${dir}/cache`,
    `Dir::Etc::sourcelist=${dir}/etc/sources.list`,
    "Dir::Etc::sourceparts=/dev/null",
    "Dir::Etc::preferences=/dev/null",
    "Dir::Etc::preferencesparts=/dev/null",
    `APT::Architecture=${architecture}`,
    `APT::Architectures=${architecture}`,
    "APT::Sandbox::User=root",
    "APT::Get::List-Cleanup=false",
    "Acquire::Languages=none",
    "Acquire::Retries=3",
  ].flatMap((setting) => ["-o", setting]);
}

/** The archives hold also what earlier closures wanted: keep to the lines of apt's simulation. */
async function debsOf(archives: string, simulation: string): Promise<string[]> {
  const wanted = new Set<string>();
  for (const match of simulation.matchAll(/^Inst (\S+) \((\S+) .*\[(\S+)\]\)/gm)) {
    wanted.add(`${match[1]}_${match[2]?.replaceAll(":", "%3a")}_${match[3]}.deb`);
  }
  const debs: string[] = [];
  for await (const { name } of Deno.readDir(archives)) {
    if (wanted.delete(name)) debs.push(`${archives}/${name}`);
  }
  if (wanted.size > 0) {
    throw new Error(`Cannot find what apt downloaded: ${[...wanted].join(", ")}`);
  }
  return debs.sort();
}
