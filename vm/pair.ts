/** Two hosts, the link between them and the witness: what every scenario runs on. */

import { chooseAccelerator } from "./accelerator.ts";
import { bootGuest, type Guest, newToken } from "./guest.ts";
import { guestImage, type Suite } from "./image.ts";
import type { Host } from "./host.ts";
import { ensurePackages } from "./packages.ts";
import { payloadDisk } from "./payload.ts";
import { progress } from "./progress.ts";
import type { Accelerator, MachineOptions } from "./qemu.ts";
import { WorkDir } from "./teardown.ts";
import { Witness } from "./witness.ts";

/** What may be chosen about a pair of hosts. */
export interface PairOptions {
  readonly suite?: Suite;
  /** Packages that the guests have besides the usual ones. */
  readonly programs?: readonly string[];
  /** What is process 1 of each guest; the agent if not given. */
  readonly init?: "systemd";
  /** Of each guest; 2048 if not given. */
  readonly memoryMiB?: number;
  /** Of each guest; 1 under emulation, 2 under KVM if not given. */
  readonly cpus?: number;
  /**
   * Emulates guests whose time goes by the instructions they execute: what is measured there repeats
   * on a busy machine, too. For the lane, which is one guest.
   */
  readonly countsInstructions?: boolean;
  /** phaul's binary; dist/phaul if not given, none if there is no such file. */
  readonly binary?: string;
}

/** The network between the hosts. */
export interface Link {
  /** Pulls the cable: packets vanish in both directions, and no connection is told. */
  cut(): Promise<void>;
  /** Puts the plug back. */
  mend(): Promise<void>;
}

/** Two hosts named alpha and beta. The same for two machines and for the single-guest lane. */
export interface Pair extends AsyncDisposable {
  readonly kind: "machines" | "lane";
  readonly alpha: Host;
  readonly beta: Host;
  readonly link: Link;
  readonly witness: Witness;
  readonly accelerator: Accelerator;
  /** The guests below the hosts: two, or one in the lane. */
  readonly guests: readonly Guest[];
  /** Holds consoles and captures while the pair is up. */
  readonly dir: string;
}

/** Everything a guest is booted from. */
export interface Ground {
  readonly base: Omit<MachineOptions, "name" | "index" | "link" | "words">;
  readonly dir: WorkDir;
}

/** Installs, builds and chooses what guests need. The caller owns `dir`. */
export async function prepareGround(options: PairOptions): Promise<Ground> {
  await ensurePackages();
  const image = await guestImage(options.suite, options.programs);
  const payload = await payloadDisk(options.binary);
  const { countsInstructions = false } = options;
  const accelerator = countsInstructions ? "tcg" : await chooseAccelerator(image, payload);
  const memoryMiB = options.memoryMiB ?? 2048;
  const cpus = options.cpus ?? (accelerator === "kvm" ? 2 : 1);
  const dir = await WorkDir.make();
  const base = { image, payload, accelerator, memoryMiB, cpus, token: newToken(), dir: dir.path };
  return { base: { ...base, countsInstructions }, dir };
}

const NAMES = ["alpha", "beta"] as const;

/** Boots two machines. Disposing the pair kills them and removes what they left. */
export async function bootMachines(options: PairOptions = {}): Promise<Pair> {
  const { base, dir } = await prepareGround(options);
  await using onFailure = new AsyncDisposableStack();
  onFailure.use(dir);
  const path = `${dir.path}/link`;
  const boots = NAMES.map(async (name, n) => {
    const index = n + 1;
    // The second connects to the first, which must listen by then.
    if (index === 2) await appears(path);
    const addresses = { link: `10.0.0.${index}`, witness: `10.9.0.${index}` };
    const words = [
      ...[`lab.link=${addresses.link}/24`, `lab.witness=${addresses.witness}/24`],
      ...(options.init ? [`lab.init=${options.init}`] : []),
    ];
    const link = { path, listens: index === 1 };
    const guest = await bootGuest({ ...base, name, index, link, words }, addresses);
    onFailure.use(guest.machine);
    return guest;
  });
  await Promise.allSettled(boots);
  const [alpha, beta] = await Promise.all(boots);
  if (!alpha || !beta) throw new Error("Cannot boot two guests");
  const guests = [alpha, beta];
  const witness = await machinesWitness(guests);
  const [a, b] = guests.map((guest) => (guest.bootMs / 1000).toFixed(1));
  progress(`two machines up after ${a} s and ${b} s (${base.accelerator})`);
  const owned = onFailure.move();
  return {
    ...{ kind: "machines", alpha: alpha.host, beta: beta.host, witness, guests, dir: dir.path },
    accelerator: base.accelerator,
    link: {
      cut: () => setLinks(guests, false),
      mend: () => setLinks(guests, true),
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function machinesWitness(guests: readonly Guest[]): Promise<Witness> {
  const witness = new Witness(guests.map(({ machine, host }) => ({
    path: machine.witnessPath,
    hosts: new Map([[host.witnessAddress, host.name]]),
  })));
  for (const [n, { host }] of guests.entries()) {
    await witness.calibrate(n, (command) => host.run(command));
  }
  return witness;
}

async function setLinks(guests: readonly Guest[], up: boolean): Promise<void> {
  const alive = guests.filter(({ machine }) => machine.alive);
  await Promise.all(alive.map(({ machine }) => machine.setLink(up)));
}

async function appears(path: string): Promise<void> {
  for (let round = 0; round < 600; round++) {
    const found = await Deno.lstat(path).then(() => true, () => false);
    if (found) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`Cannot start the second guest: nothing listens at "${path}"`);
}
