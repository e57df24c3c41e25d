/**
 * `run.ts DIR BOX`, in a room (room.ts): brings up the machines of vm/Vagrantfile, moves a piggie from
 * one to the other and destroys them. DIR/outcome.json says how that went.
 */

import { repositoryPath } from "../cache.ts";
import { runHere } from "../command.ts";
import { askLibvirt, startLibvirt } from "./libvirt.ts";
import { TickReceiver } from "./receiver.ts";
import { Transcript } from "./transcript.ts";

/** One thing that must hold, and how that went. */
export interface Check {
  readonly name: string;
  readonly seconds: number;
  /** Why it does not hold. */
  readonly wrong?: string;
}

/** What is left of a run. */
export interface VagrantOutcome {
  readonly checks: readonly Check[];
  readonly transcript: string;
}

/** The checks, in the order in which they are made; after one that fails only the last is. */
export const CHECKS = ["up", "migrate", "one-copy", "destroy"] as const;

/** Where workloads send their ticks; the machines' route to it leads here. */
const WITNESS = "10.9.0.254";
/** Names by address, as in vm/Vagrantfile. */
const HOSTS: ReadonlyMap<string, string> = new Map([
  ["10.0.0.11", "source"],
  ["10.0.0.12", "destination"],
]);
const TOKEN = "/var/lib/phaul/join-token";
const TICKS = 100;
const TICKS_TIMEOUT_MS = 120_000;
const POLL_MS = 100;

if (import.meta.main) {
  const [dir, box] = Deno.args;
  if (!dir || !box) throw new Error("usage: run.ts DIR BOX");
  const outcome = await perform(dir, box);
  await Deno.writeTextFile(`${dir}/outcome.json`, JSON.stringify(outcome));
  // libvirt's daemons are children that would be waited for.
  Deno.exit(0);
}

async function perform(dir: string, box: string): Promise<VagrantOutcome> {
  const transcript = new Transcript([[box, "phaul.box"], [dir, "~"], [repositoryPath(""), ""]]);
  const checks: Check[] = [];
  const check = async (name: (typeof CHECKS)[number], work: () => Promise<unknown>) => {
    const beganMs = performance.now();
    const wrong = await work().then(() => undefined, messageOf);
    checks.push({ name, seconds: (performance.now() - beganMs) / 1000, wrong });
    return wrong === undefined;
  };
  if (await check("up", () => bringUp(transcript, dir, box))) {
    using witness = await TickReceiver.listen(WITNESS, HOSTS);
    if (await check("migrate", () => migrate(transcript, witness))) {
      await check("one-copy", () => proveOneCopy(transcript, witness));
    }
  }
  await check("destroy", () => destroy(transcript));
  return { checks, transcript: transcript.text };
}

async function bringUp(transcript: Transcript, dir: string, box: string): Promise<void> {
  await startLibvirt(dir);
  await runHere("ip", ["address", "add", `${WITNESS}/32`, "dev", "lo"]);
  await transcript.run(`vagrant box add --name phaul ${box}`);
  await transcript.run("vagrant up");
}

async function migrate(transcript: Transcript, witness: TickReceiver): Promise<void> {
  const on = (host: string, command: string) => `vagrant ssh ${host} -c '${command}'`;
  const run = (host: string, command: string) => transcript.run(on(host, command));
  await run("destination", "sudo systemd-run --quiet --unit=phaul-serve /lab/bin/phaul serve");
  await run("destination", `timeout 120 sh -c "until sudo test -s ${TOKEN}; do sleep 1; done"`);
  await transcript.run(
    `${on("destination", `sudo cat ${TOKEN}`)} | ` +
      on("source", `sudo install -D -m 600 /dev/stdin ${TOKEN}`),
  );
  // A pid that the other machine has not given away, and a unit that no login ends.
  const piggie = "systemd-run --quiet --scope /lab/bin/piggie --daemon --witness";
  await run("source", `sudo sh -c "echo 9000 >/proc/sys/kernel/ns_last_pid; ${piggie}"`);
  await waitForTicks(witness, "source");
  await run("source", "sudo /lab/bin/phaul migrate --pid $(pgrep piggie) --peer 10.0.0.12");
}

async function proveOneCopy(transcript: Transcript, witness: TickReceiver): Promise<void> {
  await waitForTicks(witness, "destination");
  const count = "pgrep --count --exact piggie";
  const left = await transcript.run(`vagrant ssh source -c '${count} || true'`);
  const here = await transcript.run(`vagrant ssh destination -c '${count}'`);
  const answer = await transcript.run("vagrant ssh destination -c '/lab/bin/ask 7000 verify'");
  if (left !== "0" || here !== "1") {
    throw new Error(`There are ${left} piggies on the source, ${here} on the destination`);
  }
  if (!answer.includes('"ok":true')) throw new Error(`piggie is damaged: ${answer}`);
  const { stretches: [before, after], ticks } = witness.examine("piggie", [...HOSTS.values()]);
  transcript.say(
    `# The witness outside of both machines heard ${ticks} numbers, each once: to ` +
      `${before?.last.sequence} from the source, from ${after?.first.sequence} from the destination`,
  );
}

async function waitForTicks(witness: TickReceiver, host: string): Promise<void> {
  const target = witness.count("piggie", host) + TICKS;
  const endMs = performance.now() + TICKS_TIMEOUT_MS;
  while (witness.count("piggie", host) < target) {
    if (performance.now() > endMs) {
      const heard = witness.count("piggie", host) + TICKS - target;
      throw new Error(`piggie counted ${heard} of ${TICKS} on within 2 min on the ${host}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function destroy(transcript: Transcript): Promise<void> {
  await transcript.run("vagrant destroy --force");
  await transcript.run("vagrant box remove phaul");
  const left = await Promise.all([
    askLibvirt("list", "--all", "--name"),
    askLibvirt("net-list", "--all", "--name"),
  ]);
  if (left.join("") !== "") throw new Error(`Vagrant left behind: ${left.join(" ")}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
