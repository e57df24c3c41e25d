import { assert, assertEquals, assertRejects } from "@std/assert";
import { GuestLostError } from "../agent.ts";
import { exists } from "../command.ts";
import { GuestCommandError } from "../host.ts";
import type { Pair } from "../pair.ts";
import { runScenario } from "../scenario.ts";

const PING = "ping -c 1 -W 2";

async function commands({ alpha, beta }: Pair): Promise<void> {
  assertEquals((await alpha.run("uname -n")).stdout, "alpha\n");
  assertEquals((await beta.run("uname -n")).stdout, "beta\n");
  const failed = await alpha.run("echo out; echo err >&2; exit 7", { mayFail: true });
  assertEquals([failed.code, failed.stdout, failed.stderr], [7, "out\n", "err\n"]);
  assertEquals((await alpha.run("kill -9 $$", { mayFail: true })).signal, 9);
  const error = await assertRejects(() => alpha.run("echo why >&2; false"), GuestCommandError);
  assert(error.message.includes("why"));
  await assertRejects(() => alpha.run("sleep 60", { timeoutMs: 500 }), Error, "did not end");
  // The sleep keeps the pipes; the end must not wait for it.
  assertEquals((await alpha.run("sleep 3600 & echo $?")).stdout, "0\n");
}

async function files({ alpha, beta }: Pair): Promise<void> {
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const large = new Uint8Array(3_000_000).map((_, n) => bytes[n % bytes.length] ?? 0);
  await alpha.writeFile("/tmp/a dir/it's", large, 0o600);
  assertEquals(await alpha.readFile("/tmp/a dir/it's"), large);
  assertEquals((await alpha.run(`stat -c %a "/tmp/a dir/it's"`)).stdout, "600\n");
  assertEquals((await beta.run("ls '/tmp/a dir'", { mayFail: true })).code, 2);
  await assertRejects(() => beta.readFile("/tmp/none"), Error, "No such file");
}

async function background({ alpha }: Pair): Promise<void> {
  const process = await alpha.start(
    "echo begun; trap 'echo ended; exit 3' TERM; sleep 60 & wait",
    "bg",
  );
  await process.stdout.line(/begun/);
  const other = await Promise.all([1, 2, 3].map((n) => alpha.run(`sleep 0.2; echo ${n}`)));
  assertEquals(other.map(({ stdout }) => stdout), ["1\n", "2\n", "3\n"]);
  await process.kill(15, "process");
  assertEquals(await process.ended, { code: 3 });
  assertEquals(process.stdout.lines, ["begun", "ended"]);
  assert(alpha.logs().get("bg")?.includes("ended"));
}

async function links({ alpha, beta, link }: Pair): Promise<void> {
  await alpha.run(`${PING} ${beta.address}`);
  await link.cut();
  assertEquals((await alpha.run(`${PING} ${beta.address}`, { mayFail: true })).code, 1);
  await link.mend();
  await beta.run(`for n in 1 2 3 4 5; do ${PING} ${alpha.address} && exit; done; exit 1`);
}

/** The witness must not believe what is not so: here two copies really run. */
async function twoCopies({ alpha, beta, witness, link }: Pair): Promise<void> {
  const one = await alpha.victim("piggie --name double");
  await witness.waitForTicks("double", "alpha", 5);
  await link.cut();
  await witness.waitForTicks("double", "alpha", 5);
  await link.mend();
  await witness.assertExactlyOneCopy("double", { hosts: ["alpha"] });
  const two = await beta.victim("piggie --name double");
  await witness.waitForTicks("double", "beta", 5);
  await assertRejects(() => witness.assertExactlyOneCopy("double"), Error, "sent twice");
  assertEquals((await beta.ask(two, "verify")).ok, true);
  assertEquals(await alpha.hasProcess(one.pid), true);
  await alpha.run(`kill -9 ${one.pid}`);
  assertEquals(await alpha.hasProcess(one.pid), false);
  await beta.run(`kill -9 ${two.pid}`);
}

async function death({ alpha, beta }: Pair): Promise<void> {
  const process = await alpha.start("sleep 60", "lost");
  await alpha.kill();
  await assertRejects(() => process.ended, GuestLostError);
  await assertRejects(() => alpha.run("true"), GuestLostError);
  assertEquals((await beta.run("echo well")).stdout, "well\n");
}

const CASES = { commands, files, background, links, twoCopies };

for (const on of ["machines", "lane"] as const) {
  Deno.test(`Pair on ${on}: hosts, link and witness do what scenarios rely on`, async (test) => {
    let dir = "";
    await runScenario(`hosts-${on}`, { on }, async (pair) => {
      dir = pair.dir;
      for (const [name, body] of Object.entries(CASES)) await test.step(name, () => body(pair));
      if (on === "machines") await test.step("reset", () => reset(pair));
      await test.step("death", () => death(pair));
    });
    assertEquals(exists(dir), false);
  });
}

/** A power cut: the disk is there again, the memory is not, and the link still leads to the other. */
async function reset({ alpha, beta }: Pair): Promise<void> {
  await alpha.run("echo kept >/root/file; sync; echo gone >/run/file");
  await alpha.reset();
  assertEquals((await alpha.run("cat /root/file; ls /run")).stdout.includes("file"), false);
  assertEquals((await alpha.run("cat /root/file")).stdout, "kept\n");
  await alpha.run(`${PING} ${beta.address}`);
}
