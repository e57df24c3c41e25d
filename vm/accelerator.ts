/** Whether guests run under KVM here: tried once, remembered, never assumed. */

import { cacheRoot } from "./cache.ts";
import { runHere } from "./command.ts";
import { bootGuest, newToken } from "./guest.ts";
import type { GuestImage } from "./image.ts";
import { progress } from "./progress.ts";
import type { Accelerator } from "./qemu.ts";
import { WorkDir } from "./teardown.ts";

/** A guest under a KVM that works is up in 3 s; one that hangs says nothing for ever. */
const KVM_DEADLINE_MS = 25_000;

/**
 * KVM when a guest of this image really comes up under it, else emulation. The environment variable
 * PHAUL_VM_ACCEL (kvm or tcg) decides instead.
 */
export async function chooseAccelerator(image: GuestImage, payload: string): Promise<Accelerator> {
  const asked = Deno.env.get("PHAUL_VM_ACCEL");
  if (asked === "kvm" || asked === "tcg") return asked;
  if (!canOpenKvm()) return "tcg";
  const memory = `${cacheRoot()}/accelerator-${image.suite}.json`;
  const machine = await machineKey();
  const remembered = await recall(memory, machine);
  if (remembered) return remembered;
  progress(`trying KVM, for at most ${KVM_DEADLINE_MS / 1000} s`);
  const accelerator = await kvmBoots(image, payload) ? "kvm" : "tcg";
  progress(accelerator === "kvm" ? "KVM works" : "KVM does not work here: guests are emulated");
  await Deno.writeTextFile(memory, JSON.stringify({ machine, accelerator }) + "\n");
  return accelerator;
}

function canOpenKvm(): boolean {
  try {
    Deno.openSync("/dev/kvm", { read: true, write: true }).close();
    return true;
  } catch {
    return false;
  }
}

/** A new kernel or QEMU may make the difference. */
async function machineKey(): Promise<string> {
  const qemu = (await runHere("qemu-system-x86_64", ["--version"])).split("\n")[0];
  return `${Deno.osRelease()}; ${qemu}`;
}

async function recall(memory: string, machine: string): Promise<Accelerator | undefined> {
  try {
    const found: { machine?: string; accelerator?: string } = JSON.parse(
      await Deno.readTextFile(memory),
    );
    if (found.machine !== machine) return undefined;
    return found.accelerator === "kvm" ? "kvm" : "tcg";
  } catch {
    return undefined;
  }
}

async function kvmBoots(image: GuestImage, payload: string): Promise<boolean> {
  await using dir = await WorkDir.make();
  const options = {
    ...{ name: "probe", image, payload, dir: dir.path, token: newToken(), index: 1, words: [] },
    ...{ accelerator: "kvm" as const, memoryMiB: 512, cpus: 1 },
  };
  try {
    const { machine } = await bootGuest(options, { link: "", witness: "" }, KVM_DEADLINE_MS);
    await machine[Symbol.asyncDispose]();
    return true;
  } catch {
    return false;
  }
}
