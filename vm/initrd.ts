/** The initial ramdisk: busybox and the modules on the way to the disk, nothing else. */

import { exists, runHere } from "./command.ts";
import { cpioArchive, type CpioEntry, FILE_MODE, FOLDER_MODE, PROGRAM_MODE } from "./cpio.ts";

/** Modules without which the disks cannot be mounted; those built into the kernel are passed over. */
const MODULES = ["virtio_pci", "virtio_blk", "ext4", "crc32c_generic"];

/** Builds the ramdisk for the kernel whose modules lie in `modulesDir`, started by `init`. */
export async function buildInitrd(
  busybox: string,
  modulesDir: string,
  init: Uint8Array,
): Promise<Uint8Array> {
  const entries: CpioEntry[] = [
    ...["bin", "proc", "dev", "root", "modules"].map((path) => ({ path, mode: FOLDER_MODE })),
    { path: "init", mode: PROGRAM_MODE, data: init },
    { path: "bin/busybox", mode: PROGRAM_MODE, data: await Deno.readFile(busybox) },
  ];
  const order: string[] = [];
  for (const relative of await loadOrder(modulesDir)) {
    const name = relative.replace(/^.*\//, "").replace(/\.ko.*$/, ".ko");
    const data = await moduleBytes(`${modulesDir}/${relative}`);
    entries.push({ path: `modules/${name}`, mode: FILE_MODE, data });
    order.push(name);
  }
  const list = new TextEncoder().encode(order.join("\n") + "\n");
  entries.push({ path: "modules/order", mode: FILE_MODE, data: list });
  return cpioArchive(entries);
}

/** The wanted modules and what they need, each after its dependencies. */
async function loadOrder(modulesDir: string): Promise<string[]> {
  const dependencies = new Map<string, string[]>();
  for (const line of (await Deno.readTextFile(`${modulesDir}/modules.dep`)).split("\n")) {
    const [path, rest] = line.split(":");
    if (path && rest !== undefined) {
      dependencies.set(path, rest.trim().split(/\s+/).filter(Boolean));
    }
  }
  // modules.dep also knows soft dependencies only by alias: crc32c is one, so it is listed above.
  const order = new Set<string>();
  const visit = (path: string) => {
    if (order.has(path)) return;
    for (const needed of dependencies.get(path) ?? []) visit(needed);
    order.add(path);
  };
  for (const name of MODULES) {
    const path = [...dependencies.keys()].find((path) =>
      path.replaceAll("-", "_").includes(`/${name}.ko`)
    );
    if (path) visit(path);
  }
  return [...order].sort((a, b) => Number(b.includes("crc32c")) - Number(a.includes("crc32c")));
}

/** Newer suites compress their modules, which busybox may not understand. */
async function moduleBytes(path: string): Promise<Uint8Array> {
  if (!path.endsWith(".xz")) return await Deno.readFile(path);
  const plain = path.replace(/\.xz$/, "");
  if (!exists(plain)) await runHere("xz", ["--decompress", "--keep", path]);
  try {
    return await Deno.readFile(plain);
  } finally {
    await Deno.remove(plain);
  }
}
