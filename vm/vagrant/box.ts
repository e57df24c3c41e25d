/**
 * A box for Vagrant with libvirt, made on this machine: Debian 12 with CRIU and what phaul needs,
 * installed by mmdebstrap from the archive that this machine itself uses. Kept in the cache.
 */

import { findMirror } from "../apt.ts";
import { cachedFolder, contentKey } from "../cache.ts";
import { runHere } from "../command.ts";
import { makeDisk } from "../image.ts";
import { elapsed, progress } from "../progress.ts";

const SUITE = "bookworm";

const PACKAGES: readonly string[] = [
  "criu",
  "dbus",
  "initramfs-tools",
  "iproute2",
  "iptables",
  "iputils-arping",
  "linux-image-cloud-amd64",
  "nftables",
  "openssh-server",
  "procps",
  "psmisc",
  "socat",
  "sudo",
  "systemd-sysv",
  "udev",
];

/** Raised when the way the box is put together changes. */
const RECIPE_VERSION = 1;
/** Room for phaul, workloads and images on a machine's disk. */
const SPARE_MIB = 2048;
const GIB = 2 ** 30;

/** The path of the box, built when the cache lacks it. Throws with the failing tool's words. */
export async function vagrantBox(): Promise<string> {
  const files = await Promise.all(
    ["customize", "Vagrantfile"].map((name) => Deno.readFile(boxFile(name))),
  );
  const recipe = JSON.stringify({ SUITE, PACKAGES, RECIPE_VERSION, SPARE_MIB });
  const dir = await cachedFolder("vagrant-box", await contentKey([recipe, ...files]), build, 1);
  return `${dir}/phaul.box`;
}

async function build(dir: string): Promise<void> {
  const startMs = performance.now();
  const [root, box] = [`${dir}/root`, `${dir}/box`];
  await Deno.mkdir(box);
  progress(`box: installing Debian ${SUITE} into a folder, which takes some minutes`);
  await install(root);
  await runHere("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "box", "-f", `${box}/key`]);
  await runHere("sh", [boxFile("customize"), root, `${box}/key.pub`]);
  await copyKernel(root, box);
  progress(`box: making its disk (${elapsed(startMs)})`);
  await makeDisk(root, `${dir}/disk.img`, "root", SPARE_MIB);
  await runHere("qemu-img", ["convert", "-O", "qcow2", `${dir}/disk.img`, `${box}/box.img`]);
  const { size } = await Deno.stat(`${dir}/disk.img`);
  const metadata = { provider: "libvirt", format: "qcow2", virtual_size: Math.ceil(size / GIB) };
  await Deno.writeTextFile(`${box}/metadata.json`, JSON.stringify(metadata));
  await Deno.copyFile(boxFile("Vagrantfile"), `${box}/Vagrantfile`);
  await runHere("tar", ["-C", box, "-cSf", `${dir}/phaul.box`, "."]);
  for (const path of [root, box, `${dir}/disk.img`]) await Deno.remove(path, { recursive: true });
  progress(`box: ready in ${elapsed(startMs)}`);
}

/** In a mount namespace of its own: what a killed mmdebstrap has mounted ends with it. */
async function install(root: string): Promise<void> {
  const { uri, signedBy } = await findMirror();
  const options = signedBy ? ` [signed-by=${signedBy}]` : "";
  await runHere("unshare", [
    ...["--mount", "mmdebstrap", "--mode=root", "--format=directory", "--variant=minbase"],
    ...["--quiet", `--include=${PACKAGES.join(",")}`, SUITE, root],
    `deb${options} ${uri} ${SUITE} main`,
  ]);
}

async function copyKernel(root: string, box: string): Promise<void> {
  for (const [name, prefix] of [["kernel", "vmlinuz-"], ["initrd", "initrd.img-"]] as const) {
    const found = [...Deno.readDirSync(`${root}/boot`)].find((file) =>
      file.name.startsWith(prefix)
    );
    if (!found) throw new Error(`Cannot make the box: its Debian has no /boot/${prefix}*`);
    await Deno.copyFile(`${root}/boot/${found.name}`, `${box}/${name}`);
  }
}

function boxFile(name: string): string {
  return new URL(`box/${name}`, import.meta.url).pathname;
}
