/**
 * `deno task test:vagrant [--write-docs]`: two machines by Vagrant with libvirt, both of Debian's, and a
 * process that moves from one to the other. All of it in namespaces of its own, so that nothing is
 * left behind and a libvirt of this machine's own is never touched.
 *
 * @module
 */

import { chooseAccelerator } from "../vm/accelerator.ts";
import { guestImage } from "../vm/image.ts";
import { payloadDisk, programsFolder } from "../vm/payload.ts";
import { WorkDir } from "../vm/teardown.ts";
import { vagrantBox } from "../vm/vagrant/box.ts";
import { runInRoom } from "../vm/vagrant/room.ts";
import { type Check, CHECKS, type VagrantOutcome } from "../vm/vagrant/run.ts";
import { build } from "./build.ts";
import { exists, ROOT, run } from "./process.ts";
import { ensureVagrant } from "./setup.ts";
import { showCounts } from "./summary.ts";
import { writeVagrantDoc } from "./vagrant_doc.ts";

if (import.meta.main) Deno.exit(await main());

async function main(): Promise<number> {
  let outcome: VagrantOutcome | undefined;
  try {
    outcome = await perform();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
  }
  const checks = outcome?.checks ?? [];
  for (const { name, seconds, wrong } of checks) {
    const verdict = wrong === undefined ? "ok    " : "FAILED";
    console.log(
      `${verdict} ${name.padEnd(12)} ${seconds.toFixed(1).padStart(7)} s  ${wrong ?? ""}`,
    );
  }
  // With the one that all is gone; what was never reached was not proven either.
  const passed = checks.filter(({ wrong }) => wrong === undefined).length;
  const failed = CHECKS.length + 1 - passed;
  if (outcome && failed === 0 && Deno.args.includes("--write-docs")) {
    await writeVagrantDoc(outcome.transcript);
  }
  console.log(showCounts({ passed, failed, skipped: 0 }));
  return failed === 0 ? 0 : 1;
}

async function perform(): Promise<VagrantOutcome> {
  await ensureVagrant();
  await build(false);
  const accelerator = await chooseAccelerator(await guestImage(), await payloadDisk());
  const box = await vagrantBox();
  const programs = await programsFolder();
  const env = { PHAUL_BOX: "phaul", PHAUL_VM_ACCEL: accelerator, PHAUL_PROGRAMS: programs };
  const dir = await WorkDir.make();
  let outcome: VagrantOutcome;
  {
    await using _removed = dir;
    outcome = await performInRoom(dir, box, env);
  }
  return { ...outcome, checks: [...outcome.checks, await checkGone(dir.path)] };
}

async function performInRoom(
  dir: WorkDir,
  box: string,
  env: Record<string, string>,
): Promise<VagrantOutcome> {
  const code = await runInRoom({
    dir,
    program: ["vm/vagrant/run.ts", dir.path, box],
    env: {
      ...{ HOME: dir.path, VAGRANT_HOME: `${dir.path}/vagrant.d` },
      ...{ VAGRANT_CWD: `${ROOT}vm`, VAGRANT_DOTFILE_PATH: `${dir.path}/.vagrant` },
      ...{ VAGRANT_DEFAULT_PROVIDER: "libvirt", VAGRANT_NO_COLOR: "1" },
      ...{ VAGRANT_CHECKPOINT_DISABLE: "1", VAGRANT_BOX_UPDATE_CHECK_DISABLE: "1" },
      ...env,
    },
  });
  const path = `${dir.path}/outcome.json`;
  if (code !== 0 || !await exists(path)) {
    throw new Error(
      `The room for libvirt and Vagrant ended with code ${code}; the reason is above`,
    );
  }
  const outcome: VagrantOutcome = JSON.parse(await Deno.readTextFile(path));
  if (outcome.checks.some(({ wrong }) => wrong !== undefined)) await keepLogs(`${dir.path}/log`);
  return outcome;
}

/** Whether anything of the room is left: its folder, or a process that was told of it. */
async function checkGone(path: string): Promise<Check> {
  const beganMs = performance.now();
  const left = await exists(path) ? [path] : [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const words = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    if (words.includes(path)) left.push(`process ${name}: ${words.replaceAll("\0", " ")}`);
  }
  const wrong = left.length === 0 ? undefined : `left behind: ${left.join(", ")}`;
  return { name: "gone", seconds: (performance.now() - beganMs) / 1000, wrong };
}

/** What libvirt and QEMU wrote down, where it outlives the room. */
async function keepLogs(from: string): Promise<void> {
  const to = `${ROOT}build/artifacts/vagrant`;
  await run("rm", ["-rf", to]);
  await Deno.mkdir(`${ROOT}build/artifacts`, { recursive: true });
  await run("cp", ["-r", from, to]);
  console.log("The logs of libvirt are in build/artifacts/vagrant");
}
