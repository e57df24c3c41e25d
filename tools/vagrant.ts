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
import { CHECKS, type VagrantOutcome } from "../vm/vagrant/run.ts";
import { build } from "./build.ts";
import { exists, ROOT } from "./process.ts";
import { ensureVagrant } from "./setup.ts";
import { showCounts } from "./summary.ts";
import { writeVagrantDoc } from "./vagrant_doc.ts";

if (import.meta.main) Deno.exit(await main());

async function main(): Promise<number> {
  let outcome: VagrantOutcome | undefined;
  try {
    outcome = await performInRoom();
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
  // What was never reached was not proven either.
  const passed = checks.filter(({ wrong }) => wrong === undefined).length;
  const failed = CHECKS.length - passed;
  if (outcome && failed === 0 && Deno.args.includes("--write-docs")) {
    await writeVagrantDoc(outcome.transcript);
  }
  console.log(showCounts({ passed, failed, skipped: 0 }));
  return failed === 0 ? 0 : 1;
}

async function performInRoom(): Promise<VagrantOutcome> {
  await ensureVagrant();
  await build(false);
  const accelerator = await chooseAccelerator(await guestImage(), await payloadDisk());
  const box = await vagrantBox();
  await using dir = await WorkDir.make();
  const code = await runInRoom({
    dir,
    program: ["vm/vagrant/run.ts", dir.path, box],
    env: {
      ...{ HOME: dir.path, VAGRANT_HOME: `${dir.path}/vagrant.d` },
      ...{ VAGRANT_CWD: `${ROOT}vm`, VAGRANT_DOTFILE_PATH: `${dir.path}/.vagrant` },
      ...{ VAGRANT_DEFAULT_PROVIDER: "libvirt", VAGRANT_NO_COLOR: "1" },
      ...{ VAGRANT_CHECKPOINT_DISABLE: "1", VAGRANT_BOX_UPDATE_CHECK_DISABLE: "1" },
      ...{ PHAUL_BOX: "phaul", PHAUL_VM_ACCEL: accelerator },
      PHAUL_PROGRAMS: await programsFolder(),
    },
  });
  const path = `${dir.path}/outcome.json`;
  if (code !== 0 || !await exists(path)) {
    throw new Error(
      `The room for libvirt and Vagrant ended with code ${code}; the reason is above`,
    );
  }
  return JSON.parse(await Deno.readTextFile(path));
}
