/**
 * Between two machines with a disk each: nothing of a process's memory gets to a disk by itself. The disk
 * holds all that phaul uses but its images: its state directory, and /tmp.
 */

import { assert, assertEquals } from "@std/assert";
import { runHere } from "../command.ts";
import type { Guest } from "../guest.ts";
import type { Host } from "../host.ts";
import type { Pair } from "../pair.ts";
import { expectCode, migrate } from "../phaul.ts";
import { clearAway, expectRunsOn, scenario, Stage } from "./shared.ts";

/** Half of its pages are new to the disk even if the other half could be told to be alike. */
const VICTIM_MIB = 64;
const MIB = 2 ** 20;
/** Journals, history and logs, and what else a guest writes meanwhile. */
const MOST_BYTES = 8 * MIB;
const IMAGES = "/var/images";
/** What is only in the kernel's cache would prove nothing: each stage of both sides puts it on the disk. */
const HOOK = "sync";

const stage = new Stage();
Deno.test.beforeAll(async () => {
  await stage.boot("machines");
  for (const host of [stage.pair.alpha, stage.pair.beta]) {
    await host.run(
      "umount /tmp && chmod 1777 /tmp && mkdir -p /var/lib/phaul /run/phaul-state && " +
        "mount --bind /var/lib/phaul /run/phaul-state",
    );
    const { stdout } = await host.run("stat -f -c %T /tmp /run/phaul-state /var");
    assertEquals(new Set(stdout.trim().split("\n")), new Set(["ext2/ext3"]));
  }
});
Deno.test.afterAll(() => stage.end());

/** What a host's disk has taken so far. */
interface Disk {
  /** By the block device's own count. */
  readonly writtenBytes: number;
  /** By its file systems. */
  readonly usedBytes: number;
}

async function diskOf(host: Host): Promise<Disk> {
  await host.run("sync");
  const { stdout: stats } = await host.run("cat /proc/diskstats");
  const sectors = stats.split("\n").map((line) => line.trim().split(/\s+/))
    .filter(([, , device]) => /^(vd|sd|nvme)/.test(device ?? ""))
    .reduce((sum, fields) => sum + Number(fields[9]), 0);
  const { stdout: used } = await host.run(
    "df -B1 --output=used -x tmpfs -x devtmpfs | tail -n +2",
  );
  const usedBytes = used.trim().split("\n").reduce((sum, text) => sum + Number(text), 0);
  return { writtenBytes: sectors * 512, usedBytes };
}

/** How often the mark stands in what a guest has written to its disk, in files or where files were. */
async function marksOn({ host, machine }: Guest, mark: string): Promise<number> {
  await host.run("sync");
  const search = ["-c", `grep -a -o -F -e "$1" "$2" | wc -l`, "bash", mark, machine.diskWrites];
  return Number(await runHere("bash", search));
}

/** Moves a process that knows a random mark, and says what came of it on both disks. */
async function moved(pair: Pair, args: string) {
  const { alpha, beta } = pair;
  await stage.freshServer(beta, { args, hook: HOOK });
  const mark = crypto.getRandomValues(new Uint8Array(16)).toHex();
  const before = { alpha: await diskOf(alpha), beta: await diskOf(beta) };
  const victim = await stage.victim(alpha, `piggie --size ${VICTIM_MIB} --mark ${mark}`);
  expectCode(await migrate(alpha, beta, victim, { args, hook: HOOK }), 0);
  await expectRunsOn(pair, victim, "alpha", "beta");
  // It has come along, or nothing could be found.
  const { stdout } = await beta.run(`grep -z -c ${mark} /proc/${victim.pid}/cmdline`);
  assertEquals(stdout.trim(), "1");
  const of = async (host: Host, { writtenBytes, usedBytes }: Disk) => {
    const now = await diskOf(host);
    const guest = pair.guests.find(({ machine }) => machine.name === host.name);
    if (!guest) throw new Error(`Cannot find the machine of ${host.name}`);
    return {
      written: now.writtenBytes - writtenBytes,
      used: now.usedBytes - usedBytes,
      marks: await marksOn(guest, mark),
    };
  };
  const [onAlpha, onBeta] = [await of(alpha, before.alpha), await of(beta, before.beta)];
  await clearAway(pair, victim);
  return { alpha: onAlpha, beta: onBeta };
}

scenario(stage, "diskless: no memory of a process gets to a disk by itself", async (pair) => {
  const found = await moved(pair, "");
  for (const { written, used, marks } of [found.alpha, found.beta]) {
    assertEquals(marks, 0);
    assert(written < MOST_BYTES, `${written} bytes were written`);
    assert(used < MOST_BYTES, `${used} bytes more are used`);
  }
});

scenario(stage, "diskless: --images-dir on a disk is found by the same search", async (pair) => {
  const { beta } = await moved(pair, `--images-dir ${IMAGES}`);
  assert(beta.marks > 0, "the mark is not on the disk");
  assert(beta.written > VICTIM_MIB * MIB, `${beta.written} bytes were written`);
});
