/**
 * This host, as checks see it: asked of criu and the kernel.
 *
 * @module
 */

import type { CriuSession } from "../criu/mod.ts";
import { CriuError } from "../criu/mod.ts";
import type { CpuObjection, Role } from "../check/mod.ts";
import {
  type Capability,
  ensureDirectory,
  kernelFacts,
  lackingCapabilities,
  orNoSpace,
  roomIn,
} from "../proc/mod.ts";
import type { HostFacts } from "../wire/mod.ts";
import { PAGE_BYTES } from "./admission.ts";
import { DEFAULT_WORK_DIR, SCRATCH_PREFIX } from "./work_dir.ts";

/** The name is CRIU's. */
const CPUINFO_FILE = "cpuinfo.img";

/** What docs/security.md says of each role; of the inner lists one is enough. */
const NEEDED: Readonly<Record<Role, readonly (readonly [Capability, ...Capability[]])[]>> = {
  source: [
    ["CAP_SYS_PTRACE"],
    ["CAP_DAC_OVERRIDE"],
    ["CAP_KILL"],
    ["CAP_SYS_RESOURCE"],
    ["CAP_CHECKPOINT_RESTORE", "CAP_SYS_ADMIN"],
  ],
  destination: [
    ["CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE"],
    ["CAP_KILL"],
    ["CAP_CHECKPOINT_RESTORE", "CAP_SYS_ADMIN"],
  ],
};

/** What criu says of this host; it is the same for as long as the host runs and has this criu. */
export type CriuFacts = Pick<
  HostFacts,
  "criuVersion" | "dirtyTracking" | "lazyPages" | "cpuinfo"
>;

/**
 * Asks criu.
 *
 * @param session Of the criu that would work here; stays its giver's, and open.
 * @param workDir Where images would lie; the usual place when not given.
 * @throws CriuError, PhaulError `directory-unusable`
 */
export async function askCriu(
  session: CriuSession,
  workDir: string = DEFAULT_WORK_DIR,
): Promise<CriuFacts> {
  await ensureDirectory(workDir);
  const { text: criuVersion } = await session.version();
  const { memTrack: dirtyTracking, lazyPages } = await session.features();
  const cpuinfo = await inScratch(workDir, (dir) => dumpCpuinfo(session, dir));
  return { criuVersion, dirtyTracking, lazyPages, cpuinfo };
}

/**
 * Examines this host, of which criu has said `criu`.
 *
 * @param workDir As for {@linkcode askCriu}.
 * @throws PhaulError `directory-unusable`
 */
export async function reportHost(
  criu: CriuFacts,
  role: Role,
  workDir: string = DEFAULT_WORK_DIR,
): Promise<HostFacts> {
  await ensureDirectory(workDir);
  return {
    ...criu,
    ...kernelFacts(),
    pageSize: PAGE_BYTES,
    lacks: lackingCapabilities(NEEDED[role]),
    roomBytes: await roomIn(workDir),
    clockMs: clockNow(),
  };
}

/** The time of day of this host, in milliseconds since 1970. */
export function clockNow(): number {
  return Date.now();
}

/** What runs on one of them runs on the other: to criu they are the same, bit for bit. */
export function sameCpu(one: HostFacts, other: HostFacts): boolean {
  return one.cpuinfo.length === other.cpuinfo.length &&
    one.cpuinfo.every((byte, index) => byte === other.cpuinfo[index]);
}

/** CRIU's words for what programs would miss; anything else that it says is no proof of that. */
const LACKS = /capabilities do not match|not supported on host|unsupported bits/;

/**
 * Whether this host's CPU can run what runs on another.
 *
 * @param cpuinfo CRIU's cpuinfo.img of the other; nothing is compared when it is empty.
 * @returns why not, or why nobody can say
 */
export async function cpuObjection(
  session: CriuSession,
  cpuinfo: Uint8Array,
  workDir: string = DEFAULT_WORK_DIR,
): Promise<CpuObjection | undefined> {
  if (cpuinfo.length === 0) return undefined;
  return await inScratch(workDir, async (dir) => {
    await Deno.writeFile(`${dir}/${CPUINFO_FILE}`, cpuinfo);
    try {
      await session.cpuinfoCheck(dir, "instructions");
      await session.cpuinfoCheck(dir, "registers");
      return undefined;
    } catch (error) {
      if (!(error instanceof CriuError) || error.died) throw error;
      return { lacks: LACKS.test(error.reason), reason: error.reason };
    }
  });
}

/** Nothing where CRIU writes none: not every architecture has one. */
async function dumpCpuinfo(session: CriuSession, dir: string): Promise<Uint8Array> {
  try {
    await session.cpuinfoDump(dir);
    return await Deno.readFile(`${dir}/${CPUINFO_FILE}`);
  } catch (error) {
    if (error instanceof CriuError || error instanceof Deno.errors.NotFound) {
      return new Uint8Array();
    }
    throw error;
  }
}

async function inScratch<T>(base: string, work: (dir: string) => Promise<T>): Promise<T> {
  return await orNoSpace(`to "${base}"`, "--work-dir", async () => {
    const dir = await Deno.makeTempDir({ dir: base, prefix: `${SCRATCH_PREFIX}${Deno.pid}-` });
    try {
      return await work(dir);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}
