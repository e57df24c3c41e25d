/** File systems that are full or cannot be written: the tree runs on where it was, and nothing is left. */

import { assert, assertEquals } from "@std/assert";
import { expectRefusal } from "./refusal.ts";
import { type Side, World } from "./world.ts";

/** Mounts a tmpfs of its own for one host; `options` as mount(8) takes them. */
async function mount(side: Side, dir: string, options: string): Promise<void> {
  await side.host.run("mkdir", "-p", "-m", "700", dir);
  await side.host.run("mount", "-t", "tmpfs", "-o", `mode=700,${options}`, "tmpfs", dir);
}

/** Fills what is left of it. */
async function fill(side: Side, dir: string): Promise<void> {
  await side.host.try("dd", "if=/dev/zero", `of=${dir}/filler`, "bs=4k", "status=none");
}

for (const stage of ["checked", "iteration-begin"]) {
  Deno.test(`migrate: a working directory that is full from ${stage} on is named`, async () => {
    await using world = await World.make();
    const victim = await world.victim();
    await world.serve();
    const { alpha } = world;
    await mount(alpha, alpha.workDir, "size=1m");
    await alpha.hook.hold(stage);
    const run = await world.startMigration(victim);
    await alpha.hook.reached(stage);
    await fill(alpha, alpha.workDir);
    await alpha.hook.release(stage);
    await run.code;
    await alpha.host.run("rm", `${alpha.workDir}/filler`);
    // The directory that cannot be made, or the image that CRIU cannot write.
    const failed = await run.event("failed");
    assert(["no-space", "directory-unusable"].includes(String(failed.code)), `${failed.message}`);
    assert(String(failed.remedy).includes("--work-dir"), `${failed.remedy}`);
    await world.expectOnlyAndClean(victim, alpha, "alpha");
  });
}

Deno.test("serve: no room for one more file gives the migration up, whichever file it is", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const { beta } = world;
  // Files that the page cache makes, then those of the images stream. The directory itself is one.
  for (const inodes of [4, 8, 14]) {
    await mount(beta, beta.workDir, `size=64m,nr_inodes=${inodes}`);
    const server = await world.serve();
    await expectRefusal(await world.startMigration(victim), 15, "o space", "--work-dir");
    await world.expectOnlyAndClean(victim, world.alpha, "alpha");
    await server.signal("TERM");
    assertEquals(await server.code, 0);
    await beta.host.run("umount", beta.workDir);
  }
});

for (const channel of ["relay", "direct"]) {
  Deno.test(`serve: a file system that fills up under it gives the migration up (${channel})`, async () => {
    await using world = await World.make();
    const victim = await world.victim({ pages: 4096 });
    const { beta } = world;
    await mount(beta, beta.workDir, "size=48m");
    await world.serve({ args: ["--direct-port", "7285"] });
    await beta.hook.hold("iteration-begin");
    const args = ["--channel", channel];
    const run = await world.startMigration(victim, { args });
    await beta.hook.reached("iteration-begin");
    await fill(beta, beta.workDir);
    await beta.hook.release("iteration-begin");
    assert([14, 15].includes(await run.code), await run.said());
    await beta.host.run("rm", `${beta.workDir}/filler`);
    await world.expectOnlyAndClean(victim, world.alpha, "alpha");
    await world.migrate(victim, { args });
    await world.expectOnlyAndClean(victim, beta, "alpha", "beta");
  });
}

Deno.test("migrate and serve: logs that cannot be kept change nothing of how it ends", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve();
  for (const { host, stateDir } of [world.alpha, world.beta]) {
    await host.run("mkdir", "-p", "-m", "700", `${stateDir}/logs`);
    await host.run("mount", "-t", "tmpfs", "-o", "ro,mode=700", "tmpfs", `${stateDir}/logs`);
  }
  await world.alpha.hook.failAt("prepared");
  const run = await world.startMigration(victim);
  await world.alpha.hook.reached("prepared");
  await world.alpha.hook.release("prepared");
  await expectRefusal(run, 54, "the hook");
  await server.event("aborted");
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});
