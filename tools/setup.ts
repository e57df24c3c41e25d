/**
 * `deno task setup`: installs what the tests and the demo need, and fetches what they unpack.
 *
 * @module
 */

import { ensurePackages } from "../vm/packages.ts";
import { hostCriu } from "./host_criu.ts";
import { exists, run } from "./process.ts";

interface Need {
  /** The Debian package. */
  readonly name: string;
  readonly why: string;
  /** What is there when it is: a command, or the path of a file. */
  readonly command: string;
}

const NEEDS: readonly Need[] = [
  { name: "iproute2", why: "joins the hosts of the integration tests", command: "ip" },
  { name: "util-linux", why: "makes their namespaces", command: "unshare" },
  { name: "chromium", why: "shows reports as people see them", command: "chromium" },
  { name: "rsync", why: "brings files over", command: "rsync" },
  { name: "procps", why: "lists processes", command: "ps" },
  { name: "zsh", why: "completes command lines", command: "zsh" },
  { name: "fish", why: "completes command lines", command: "fish" },
];

/** What is moved by `deno task programs`. */
const PROGRAMS: readonly Need[] = [
  { name: "redis-server", why: "is moved", command: "redis-server" },
  { name: "nginx-light", why: "is moved", command: "nginx" },
  { name: "postgresql", why: "is moved", command: "psql" },
  { name: "python3-minimal", why: "is moved, and asks the others", command: "/usr/bin/python3" },
  {
    name: "python3-psycopg2",
    why: "asks postgres",
    command: "/usr/lib/python3/dist-packages/psycopg2/__init__.py",
  },
  { name: "memcached", why: "is moved", command: "memcached" },
  { name: "tmux", why: "is moved", command: "tmux" },
  { name: "make", why: "is moved", command: "make" },
  { name: "gcc", why: "is moved with it", command: "gcc" },
];

const VAGRANT_LIBVIRT = "/usr/share/vagrant-plugins/plugins.d/vagrant-libvirt.json";

/** What `deno task test:vagrant` runs, besides what the harness needs. */
const VAGRANT: readonly Need[] = [
  { name: "vagrant", why: "makes the machines", command: "vagrant" },
  { name: "vagrant-libvirt", why: "lets it ask libvirt for them", command: VAGRANT_LIBVIRT },
  { name: "libvirt-daemon", why: "runs Vagrant's machines", command: "libvirtd" },
  { name: "libvirt-clients", why: "asks libvirt", command: "virsh" },
  { name: "qemu-utils", why: "makes the box's disk", command: "qemu-img" },
  { name: "mmdebstrap", why: "makes the box's Debian", command: "mmdebstrap" },
  { name: "dnsmasq-base", why: "gives the machines addresses", command: "dnsmasq" },
  { name: "iptables", why: "libvirt's networks ask for it", command: "iptables" },
  { name: "openssh-client", why: "logs in to the machines", command: "ssh-keygen" },
  { name: "iproute2", why: "looks whether there can be bridges", command: "ip" },
  { name: "util-linux", why: "makes namespaces", command: "unshare" },
  { name: "passwd", why: "makes libvirt's user in them", command: "useradd" },
];

if (import.meta.main) {
  try {
    await ensureHostPackages();
    console.log(`Everything is there; criu for the integration tests: ${await hostCriu()}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}

/**
 * Installs missing packages of the system through apt, after a line that says what and why.
 *
 * @throws Without root, saying what to install.
 */
export async function ensureHostPackages(): Promise<void> {
  await ensure(NEEDS);
  await ensurePackages();
}

/** The same for the programs of `deno task programs`. */
export async function ensurePrograms(): Promise<void> {
  await ensure(PROGRAMS);
}

/**
 * The same for `deno task test:vagrant`, which runs as root only.
 *
 * @throws Without root, also when nothing is missing.
 */
export async function ensureVagrant(): Promise<void> {
  await ensure(VAGRANT);
  await ensurePackages();
  if (Deno.uid() !== 0) {
    throw new Error(
      "Cannot make namespaces for libvirt without root: run this task as root, for example by sudo",
    );
  }
}

async function ensure(needs: readonly Need[]): Promise<void> {
  const missing: Need[] = [];
  for (const need of needs) {
    if (!await isThere(need.command)) missing.push(need);
  }
  if (missing.length > 0) await install(missing);
}

async function install(missing: readonly Need[]): Promise<void> {
  const names = missing.map(({ name }) => name);
  const reasons = missing.map(({ name, why }) => `${name} (${why})`).join(", ");
  if (Deno.uid() !== 0) {
    throw new Error(
      `Cannot test without ${reasons}: install them with ` +
        `"sudo apt-get update && sudo apt-get install --no-install-recommends ${names.join(" ")}"`,
    );
  }
  console.error(`Installing through apt: ${reasons}`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["update", "-q"], { env });
  const { code, stderr } = await run(
    "apt-get",
    ["install", "-y", "-q", "--no-install-recommends", ...names],
    { env },
  );
  if (code !== 0) throw new Error(`Cannot install ${names.join(" ")}: ${stderr.trim()}`);
}

async function isThere(command: string): Promise<boolean> {
  if (command.startsWith("/")) return await exists(command);
  const { code } = await run("sh", [
    "-c",
    `PATH=$PATH:/usr/sbin:/sbin command -v "$0"`,
    command,
  ]);
  return code === 0;
}
