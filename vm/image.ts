/**
 * The guests' operating system: a kernel, an initial ramdisk and one root disk, made of Debian
 * packages without installing them anywhere. Kept in the cache under the hash of its recipe.
 */

import { downloadClosure, findMirror } from "./apt.ts";
import { cachedFolder, cacheRoot, contentKey } from "./cache.ts";
import { runHere } from "./command.ts";
import { buildInitrd } from "./initrd.ts";
import { elapsed, progress } from "./progress.ts";

/** A Debian release that a guest can run. */
export type Suite = "bookworm" | "trixie";

/** A guest's operating system, ready to boot. */
export interface GuestImage {
  readonly suite: Suite;
  readonly kernel: string;
  readonly initrd: string;
  /** ext4, read-only for all guests together. */
  readonly disk: string;
}

const PACKAGES: readonly string[] = [
  "linux-image-cloud-amd64",
  "base-files",
  "bash",
  "bsdutils",
  "bsdextrautils",
  "busybox-static",
  "coreutils",
  "criu",
  "dash",
  "diffutils",
  "findutils",
  "gawk",
  "grep",
  "gzip",
  "iproute2",
  "iptables",
  "iputils-arping",
  "iputils-ping",
  "kmod",
  "libc-bin",
  "libgcc-s1",
  "mount",
  "nftables",
  "procps",
  "psmisc",
  "rsync",
  "sed",
  "socat",
  "strace",
  "systemd",
  "tar",
  "util-linux",
];

/** Raised when the way the image is put together changes. */
const RECIPE_VERSION = 3;

const ETC: Readonly<Record<string, string>> = {
  "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/false\n",
  "etc/group": "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n",
  "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
  "etc/hosts": "127.0.0.1 localhost\n10.0.0.1 alpha\n10.0.0.2 beta\n",
  "etc/mtab": "",
  // Empty, and not missing: a systemd that believes in its first boot would preset all units.
  "etc/machine-id": "",
};

/**
 * The image of `suite`, built when the cache lacks it; with `programs`, an image of its own that has
 * these packages besides. Throws with the failing tool's words.
 */
export async function guestImage(
  suite: Suite = "bookworm",
  programs: readonly string[] = [],
): Promise<GuestImage> {
  const init = await Deno.readFile(new URL("guest/initrd-init", import.meta.url));
  const packages = [...PACKAGES, ...programs];
  const recipe = JSON.stringify({ suite, PACKAGES: packages, RECIPE_VERSION, ETC });
  const key = await contentKey([recipe, init]);
  // Older folders of a kind are removed: the two must not share one.
  const kind = programs.length === 0 ? "image" : "stocked";
  const make = (dir: string) => build({ suite, kind, packages, init, dir });
  const dir = await cachedFolder(`${kind}-${suite}`, key, make, 1);
  return { suite, kernel: `${dir}/kernel`, initrd: `${dir}/initrd`, disk: `${dir}/disk.img` };
}

interface Recipe {
  readonly suite: Suite;
  readonly kind: "image" | "stocked";
  readonly packages: readonly string[];
  readonly init: Uint8Array;
  readonly dir: string;
}

async function build({ suite, kind, packages, init, dir }: Recipe): Promise<void> {
  const startMs = performance.now();
  const mirror = await findMirror();
  progress(`guest image: downloading ${suite} packages`);
  const debs = await downloadClosure({
    suite,
    architecture: "amd64",
    packages,
    mirror,
    dir: `${cacheRoot()}/${kind === "image" ? "apt" : "apt-stocked"}-${suite}`,
  });
  progress(`guest image: unpacking ${debs.length} packages (${elapsed(startMs)})`);
  const root = `${dir}/root`;
  await unpack(debs, root);
  const version = await finishRoot(root);
  await Deno.copyFile(`${root}/boot/vmlinuz-${version}`, `${dir}/kernel`);
  const modules = `${root}/usr/lib/modules/${version}`;
  await Deno.writeFile(
    `${dir}/initrd`,
    await buildInitrd(await findBusybox(root), modules, init),
  );
  progress(`guest image: making the disk (${elapsed(startMs)})`);
  await trim(root);
  await makeDisk(root, `${dir}/disk.img`, "root", 512);
  await Deno.writeTextFile(`${dir}/packages.txt`, debs.map(baseName).join("\n") + "\n");
  await Deno.remove(root, { recursive: true });
  progress(`guest image: ${suite}, kernel ${version}, ready in ${elapsed(startMs)}`);
}

async function unpack(debs: readonly string[], root: string): Promise<void> {
  for (const name of ["bin", "sbin", "lib", "lib64"]) {
    await Deno.mkdir(`${root}/usr/${name}`, { recursive: true });
    await Deno.symlink(`usr/${name}`, `${root}/${name}`);
  }
  // Not `dpkg-deb -x`: packages that still ship /bin or /lib would replace the merged links.
  const script = 'set -eo pipefail; root=$1; shift; for deb; do dpkg-deb --fsys-tarfile "$deb" ' +
    '| tar -x --keep-directory-symlink -C "$root"; done';
  await runHere("bash", ["-c", script, "unpack", root, ...debs]);
}

/** Does what maintainer scripts would have done; returns the kernel's version. */
async function finishRoot(root: string): Promise<string> {
  for (const dir of ["proc", "sys", "dev", "run", "tmp", "root", "lab", "var/lib", "etc"]) {
    await Deno.mkdir(`${root}/${dir}`, { recursive: true });
  }
  for (const [path, text] of Object.entries(ETC)) await Deno.writeTextFile(`${root}/${path}`, text);
  await link(root, "usr/bin/sh", "dash");
  await link(root, "usr/bin/awk", "gawk");
  for (const family of ["iptables", "ip6tables"]) {
    for (const suffix of ["", "-save", "-restore"]) {
      await link(root, `usr/sbin/${family}${suffix}`, "xtables-nft-multi");
    }
  }
  await runHere("ldconfig", ["-r", root]);
  const versions = [...Deno.readDirSync(`${root}/usr/lib/modules`)].map((entry) => entry.name);
  const version = versions[0];
  if (version === undefined || versions.length !== 1) {
    throw new Error(
      `Cannot build the guest image: kernels found: ${versions.join(", ") || "none"}`,
    );
  }
  await runHere("depmod", ["-b", root, "-a", version]);
  return version;
}

async function link(root: string, path: string, target: string): Promise<void> {
  try {
    await Deno.lstat(`${root}/${path}`);
  } catch {
    await Deno.symlink(target, `${root}/${path}`);
  }
}

function findBusybox(root: string): Promise<string> {
  return Deno.realPath(`${root}/usr/bin/busybox`);
}

async function trim(root: string): Promise<void> {
  for (
    const dir of ["usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "boot"]
  ) {
    await Deno.remove(`${root}/${dir}`, { recursive: true }).catch(() => {});
  }
}

/**
 * Makes an ext4 image of a tree without mounting anything. With a journal, though small: a guest
 * that is reset must find its disk as a host after a power cut would.
 */
export async function makeDisk(
  tree: string,
  disk: string,
  label: string,
  spareMiB: number,
): Promise<void> {
  const used = Number((await runHere("du", ["-sm", tree])).split(/\s/)[0]);
  const sizeMiB = Math.ceil(used * 1.15) + spareMiB;
  const args = ["-q", "-t", "ext4", "-L", label, "-J", "size=8", "-E", "root_owner=0:0"];
  await runHere("mke2fs", [...args, "-d", tree, disk, `${sizeMiB}M`]);
}

function baseName(path: string): string {
  return path.replace(/^.*\//, "");
}
