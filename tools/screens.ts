/**
 * `deno task screens`: docs/screens.md, what phaul's commands show, taken from two virtual machines.
 *
 * @module
 */

import type { Host } from "../vm/host.ts";
import { bootMachines, type Pair } from "../vm/pair.ts";
import { build } from "./build.ts";
import { ROOT } from "./process.ts";
import { ensureHostPackages } from "./setup.ts";

const PAGE = `${ROOT}docs/screens.md`;
const TOKEN = "/var/lib/phaul/join-token";
const LONG_MS = 600_000;

/** A heading, what is to be said, and what was typed and shown. */
type Screen = readonly [title: string, about: string, shown: string];

await ensureHostPackages();
await build(false);
{
  await using pair = await bootMachines();
  await Deno.writeTextFile(PAGE, pageOf(await takeScreens(pair)));
}
console.log(`Wrote ${PAGE.slice(ROOT.length)}`);
Deno.exit(0);

async function takeScreens({ alpha, beta }: Pair): Promise<Screen[]> {
  const { pid } = await alpha.victim("piggie --size 16");
  const { stdout: locker } = await alpha.run(
    "cd /; setsid sh -c 'exec 9>/run/held; flock 9; echo $$ >/run/locker; exec sleep 1000' " +
      "</dev/null >/dev/null 2>&1 & until [ -s /run/locker ]; do sleep 0.1; done; cat /run/locker",
  );
  using serve = await beta.start("exec phaul serve", "serve");
  while (!serve.stderr.text.includes("--token-file")) await pause();
  await alpha.writeFile(TOKEN, await beta.readFile(TOKEN), 0o600);
  const to = `--peer ${beta.address}`;
  return [
    [
      "What would stop it",
      "Nothing is frozen or touched. Codes and remedies: [checks.md](checks.md).",
      await shown(alpha, "src", `phaul check --pid ${pid} ${to}`),
    ],
    [
      "What it would cost",
      "Memory is copied as a migration would, and thrown away: [convergence.md](convergence.md).",
      await shown(alpha, "src", `phaul plan --pid ${pid} ${to}`),
    ],
    [
      "What is refused",
      "The first line says where the process is. The exit code is in [scripting.md](scripting.md).",
      await shown(alpha, "src", `phaul migrate --pid ${locker.trim()} ${to}`),
    ],
    [
      "A migration",
      "On a terminal the iteration that is under way has a line of its own, drawn anew in place.",
      await shown(alpha, "src", `phaul migrate --pid ${pid} ${to} --probe 'kill -0 $PHAUL_PID'`),
    ],
    ["The same on the destination", "", `dst# phaul serve\n${serve.stderr.text.trim()}`],
    ["What is under way there", "", await shown(beta, "dst", "phaul status")],
    [
      "What was",
      "`phaul history ID --report FILE.html` makes a page of one.",
      await shown(alpha, "src", "phaul history"),
    ],
  ];
}

async function shown(host: Host, prompt: string, command: string): Promise<string> {
  const { stdout } = await host.run(`${command} 2>&1`, { mayFail: true, timeoutMs: LONG_MS });
  return `${prompt}# ${command}\n${stdout.trim()}`;
}

function pageOf(screens: readonly Screen[]): string {
  const parts = screens.map(([title, about, text]) =>
    [`## ${title}`, ...(about ? [about] : []), `\`\`\`text\n${text}\n\`\`\``].join("\n\n")
  );
  return [
    "# Screens",
    "What phaul's commands show, as `deno task screens` took it from two emulated virtual machines. Their\n" +
    "times say nothing about real hosts.",
    ...parts,
    "",
  ].join("\n\n").trimEnd() + "\n";
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}
