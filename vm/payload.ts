/**
 * The guests' second disk: agent, workloads, phaul and its units. Apart from the image, because it changes with
 * every build; a disk, because emulated networks take long for a binary of 95 MB.
 */

import { cachedFolder, contentKey, repositoryPath } from "./cache.ts";
import { exists, runHere } from "./command.ts";
import { makeDisk } from "./image.ts";
import { elapsed, progress } from "./progress.ts";

/** Where `deno task build` leaves the binary. */
export const DEFAULT_BINARY = repositoryPath("dist/phaul");

/**
 * Builds the payload disk, or finds it in the cache, and returns its path. Without a file at
 * `binary` the guests have no phaul; everything else works.
 *
 * @throws {HostCommandError} with the compiler's words when a workload does not build.
 */
export async function payloadDisk(binary = DEFAULT_BINARY): Promise<string> {
  const programs = await programsFolder();
  const parts: (string | Uint8Array)[] = [programs];
  for (const script of SCRIPTS) parts.push(await Deno.readFile(guestFile(script)));
  for (const unit of units()) parts.push(unit, await Deno.readFile(repositoryPath(unit)));
  if (exists(binary)) parts.push(await Deno.readFile(binary));
  const dir = await cachedFolder("payload", await contentKey(parts), async (dir) => {
    const startMs = performance.now();
    const tree = `${dir}/tree`;
    await Deno.mkdir(`${tree}/bin`, { recursive: true });
    for (const { name } of Deno.readDirSync(programs)) {
      await copyProgram(
        `${programs}/${name}`,
        name === "agent" ? `${tree}/agent` : `${tree}/bin/${name}`,
      );
    }
    for (const script of SCRIPTS) await copyProgram(guestFile(script), `${tree}/${script}`);
    await Deno.mkdir(`${tree}/systemd`);
    for (const unit of units()) await Deno.copyFile(repositoryPath(unit), `${tree}/${unit}`);
    if (exists(binary)) await copyProgram(binary, `${tree}/bin/phaul`);
    await makeDisk(tree, `${dir}/disk.img`, "lab", 8);
    await Deno.remove(tree, { recursive: true });
    progress(`payload disk ready in ${elapsed(startMs)}${exists(binary) ? "" : ", without phaul"}`);
  }, 4);
  return `${dir}/disk.img`;
}

const SCRIPTS = ["init", "host-setup"] as const;

/** The units that phaul ships, as paths in the repository. */
function units(): string[] {
  const names = [...Deno.readDirSync(repositoryPath("systemd"))].map(({ name }) => name);
  return names.filter((name) => /\.(service|socket)$/.test(name)).sort()
    .map((name) => `systemd/${name}`);
}

function guestFile(name: string): string {
  return new URL(`guest/${name}`, import.meta.url).pathname;
}

async function copyProgram(from: string, to: string): Promise<void> {
  await Deno.copyFile(from, to);
  await Deno.chmod(to, 0o755);
}

/** The folder with the agent and the workloads, compiled statically: guests need no libraries. */
export async function programsFolder(): Promise<string> {
  const workloads = new URL("workloads/", import.meta.url).pathname;
  const sources = [...Deno.readDirSync(workloads)].map(({ name }) => `${workloads}${name}`)
    .filter((path) => /\.[ch]$/.test(path)).sort();
  const all = [guestFile("agent.c"), ...sources];
  const key = await contentKey(await Promise.all(all.map((path) => Deno.readFile(path))));
  return await cachedFolder("programs", key, async (dir) => {
    for (const source of all.filter((path) => path.endsWith(".c"))) {
      const name = source.replace(/^.*\//, "").replace(/\.c$/, "");
      const flags = ["-static", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread"];
      await runHere("cc", [...flags, "-o", `${dir}/${name}`, source]);
    }
  }, 4);
}
