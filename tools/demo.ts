/**
 * `deno task demo`: boots two virtual machines and moves a counting process from one to the other
 * while everybody watches. Ends by itself, leaves nothing running, and fails when anything is wrong.
 * What is left is phaul's report on the migration, in build/demo.html.
 *
 * @module
 */

import type { Victim } from "../vm/host.ts";
import { guestImage } from "../vm/image.ts";
import { ensurePackages } from "../vm/packages.ts";
import { bootMachines, type Pair } from "../vm/pair.ts";
import { keepingArtifacts } from "../vm/scenario.ts";
import { onSignal } from "../vm/teardown.ts";
import type { WitnessReport } from "../vm/witness.ts";
import { build } from "./build.ts";
import { ROOT } from "./process.ts";
import { Screen } from "./demo_screen.ts";

const TOKEN = "/var/lib/phaul/join-token";
/** Enough memory that copying it takes a while, little enough for an emulated network. */
const PIGGIE = "piggie --size 64";
/** How far piggie counts before it is moved, and again after it. */
const TICKS = 150;
/** Emulated machines on a busy host are slow: generous. */
const DEADLINE_MS = 120_000;
const MIGRATE_DEADLINE_MS = 600_000;

/** Where phaul's report goes. */
export const DEMO_REPORT: string = `${ROOT}build/demo.html`;
/** The same on alpha. */
const REPORT = "/root/report.html";

const HOW_TO_GO_ON: readonly string[] = [
  "How to go on:",
  "  build/demo.html                how it went, in a browser",
  "  dist/phaul help migrate        what can be asked for",
  '  README.md, "Two hosts"         the same between machines of your own',
  "  npx -y deno@2.6.8 task test    proves everything",
];

if (import.meta.main) Deno.exit(await demo());

/** Returns the exit code. */
export async function demo(): Promise<number> {
  const screen = new Screen();
  using _interrupted = onSignal(() => screen.say("Interrupted: what was started is being removed"));
  try {
    screen.say("A running process leaves one virtual machine and goes on in another");
    await screen.step("Looking for the packages that the machines need", ensurePackages);
    await screen.step("Building dist/phaul", () => build(false));
    await screen.step("Making the machines' system of Debian packages", () => guestImage());
    await withMachines(screen);
    screen.say(`Done in ${screen.elapsed}, the machines are gone`);
    return 0;
  } catch (error) {
    screen.say(`The demo failed: ${error instanceof Error ? error.message : error}`);
    return 1;
  }
}

async function withMachines(screen: Screen): Promise<void> {
  await using pair = await screen.step(
    "Booting two machines, alpha and beta",
    () => bootMachines(),
  );
  await keepingArtifacts("demo", pair, () => show(pair, screen));
}

async function show(pair: Pair, screen: Screen): Promise<void> {
  const { alpha, beta } = pair;
  screen.say(`alpha# ${PIGGIE} &`);
  const victim = await alpha.victim(PIGGIE);
  screen.watch(() => pair.witness.latest(victim.name));
  await screen.until("piggie to count on alpha", DEADLINE_MS, countsTo("alpha", TICKS));

  screen.say("beta# phaul serve");
  using serve = await beta.start("exec phaul serve", "serve");
  const served = screen.follow("serve", serve);
  const listens = () => serve.stderr.lines.some((line) => line.includes("--token-file"));
  await screen.until("phaul to listen on beta", DEADLINE_MS, () => listens() || served.aborted);
  if (!listens()) throw new Error("phaul serve ended by itself");

  screen.say(`beta's ${TOKEN} goes to alpha; on real hosts: scp -p`);
  await alpha.writeFile(TOKEN, await beta.readFile(TOKEN), 0o600);

  const command = `phaul migrate --pid ${victim.pid} --peer ${beta.address} --report ${REPORT}`;
  screen.say(`alpha# ${command}`);
  using migrate = await alpha.start(`exec ${command}`, "migrate");
  const ended = screen.follow("migrate", migrate);
  await screen.until("the migration to end", MIGRATE_DEADLINE_MS, () => ended.aborted);
  const { code } = await migrate.ended;
  if (code !== 0) throw new Error(`phaul migrate exited with ${code}`);
  await Deno.mkdir(`${ROOT}build`, { recursive: true });
  await Deno.writeFile(DEMO_REPORT, await alpha.readFile(REPORT));

  const moved = (await pair.witness.latest(victim.name))?.sequence ?? 0;
  await screen.until("piggie to count on beta", DEADLINE_MS, countsTo("beta", moved + TICKS));
  await giveVerdict(pair, victim, screen);
}

function countsTo(host: string, number: number) {
  return (latest?: { readonly host: string; readonly sequence: number }) =>
    latest !== undefined && latest.host === host && latest.sequence >= number;
}

/** Says what the witness outside both machines saw; throws when that is not exactly one copy. */
async function giveVerdict(pair: Pair, victim: Victim, screen: Screen): Promise<void> {
  const { alpha, beta, witness, accelerator } = pair;
  const answer = await beta.ask(victim, "verify");
  if (answer.ok !== true) throw new Error(`piggie was damaged: ${JSON.stringify(answer)}`);
  if (await alpha.hasProcess(victim.pid)) throw new Error("alpha still has the process");
  const report = await witness.assertExactlyOneCopy(victim.name, { hosts: ["alpha", "beta"] });
  const [before, after] = report.stretches;
  screen.say("Verdict, by the datagrams that left the machines:");
  screen.say(
    `  alpha counted from ${before?.first.sequence} to ${before?.last.sequence}, ` +
      `beta from ${after?.first.sequence} to ${after?.last.sequence}`,
  );
  screen.say("  exactly one copy at every moment, no number missing, none sent twice");
  screen.say(`  all ${answer.pages} pages of its memory are right, and alpha has it no more`);
  screen.say(`  longest silence: ${silence(report, accelerator)}`);
  for (const line of HOW_TO_GO_ON) screen.say(line);
}

function silence({ largestSilence }: WitnessReport, accelerator: Pair["accelerator"]): string {
  const where = accelerator === "tcg"
    ? "the machines are emulated here, so this says nothing about real ones"
    : "two machines under KVM on one host";
  return `${(largestSilence.ms / 1000).toFixed(2)} s (${where})`;
}
