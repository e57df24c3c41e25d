/**
 * `deno task setup`: installs what the tests and the demo need, and fetches what they unpack.
 *
 * @module
 */

import { ensurePackages } from "../vm/packages.ts";
import { hostCriu } from "./host_criu.ts";
import { run } from "./process.ts";

interface Need {
  /** The Debian package. */
  readonly name: string;
  readonly why: string;
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

async function ensure(needs: readonly Need[]): Promise<void> {
  const missing: Need[] = [];
  for (const need of needs) {
    if (!await isOnPath(need.command)) missing.push(need);
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

async function isOnPath(command: string): Promise<boolean> {
  const { code } = await run("sh", [
    "-c",
    `PATH=$PATH:/usr/sbin:/sbin command -v "$0"`,
    command,
  ]);
  return code === 0;
}
