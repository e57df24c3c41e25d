import { assertEquals, assertRejects } from "@std/assert";
import { PhaulError } from "../../../../src/errors.ts";
import { endLeft, Placement } from "../../../../src/haul/files/placement.ts";
import { JournalStore } from "../../../../src/journal/mod.ts";
import { loadLibc } from "../../../../src/sys/mod.ts";

loadLibc();

const MIGRATION = "0123456789abcdef0123456789abcdef";

/** A state directory, what has come, and where it is to go. */
async function withGround(
  use: (ground: { state: string; from: string; to: string; aside: string }) => Promise<void>,
): Promise<void> {
  const dir = await Deno.realPath(await Deno.makeTempDir());
  await Deno.mkdir(`${dir}/state`, { mode: 0o700 });
  await Deno.mkdir(`${dir}/come/tree`, { recursive: true });
  await Deno.writeTextFile(`${dir}/come/tree/file`, "new");
  await Deno.mkdir(`${dir}/there`);
  try {
    const [from, to] = [`${dir}/come/tree`, `${dir}/there/a/tree`];
    await use({ state: `${dir}/state`, from, to, aside: `${dir}/come/aside/0` });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function exists(path: string): Promise<boolean> {
  return Deno.lstat(path).then(() => true, () => false);
}

Deno.test("Placement: what was placed and replaced is put back by a phaul that comes later", async () => {
  await withGround(async ({ state, from, to, aside }) => {
    await Deno.mkdir(to, { recursive: true });
    await Deno.writeTextFile(`${to}/file`, "old");
    await new Placement(state, MIGRATION).place([{ from, to, aside }]);
    assertEquals(await Deno.readTextFile(`${to}/file`), "new");
    assertEquals(await endLeft(state, new JournalStore(state)), []);
    assertEquals(await Deno.readTextFile(`${to}/file`), "old");
    assertEquals(await Deno.readTextFile(`${from}/file`), "new");
    assertEquals([...Deno.readDirSync(`${state}/files`)], []);
  });
});

Deno.test("Placement: nothing is ended as long as the migration has a journal", async () => {
  await withGround(async ({ state, from, to }) => {
    await new Placement(state, MIGRATION).place([{ from, to }]);
    await Deno.mkdir(`${state}/migrations/${MIGRATION}`, { recursive: true });
    await Deno.writeTextFile(`${state}/migrations/${MIGRATION}/destination`, "");
    await endLeft(state, new JournalStore(state));
    assertEquals(await exists(to), true);
  });
});

Deno.test("Placement: directories that were made go when it is undone, and stay when it is kept", async () => {
  await withGround(async ({ state, from, to }) => {
    const one = new Placement(state, MIGRATION);
    await one.place([{ from, to }]);
    await one.undo();
    assertEquals(await exists(to.replace("/tree", "")), false);
    const other = new Placement(state, MIGRATION);
    await other.uses(from.replace("/tree", ""), "cache");
    await other.place([{ from, to }]);
    await other.keep();
    assertEquals(await exists(from.replace("/tree", "")), false);
    assertEquals(await Deno.readTextFile(`${to}/file`), "new");
    // It comes again after a restart, and must not undo what is final.
    await other.keep();
    await new Placement(state, MIGRATION).undo();
    assertEquals(await Deno.readTextFile(`${to}/file`), "new");
  });
});

Deno.test("Placement: something in the way stops it, and is left alone", async () => {
  await withGround(async ({ state, from, to }) => {
    await Deno.mkdir(to, { recursive: true });
    const placement = new Placement(state, MIGRATION);
    const place = () => placement.place([{ from, to }]);
    assertEquals((await assertRejects(place, PhaulError)).code, "file-differs");
    await placement.undo();
    assertEquals([...Deno.readDirSync(to)], []);
  });
});

Deno.test("Placement: nothing is placed once it was undone", async () => {
  await withGround(async ({ state, from, to }) => {
    const placement = new Placement(state, MIGRATION);
    await placement.undo();
    await assertRejects(() => placement.place([{ from, to }]), PhaulError, "given up");
    assertEquals(await exists(to), false);
    const racing = new Placement(state, MIGRATION);
    const placed = racing.place([{ from, to }]).catch(() => {});
    await racing.undo();
    await placed;
    assertEquals(await exists(to), false);
    assertEquals(await exists(from), true);
  });
});

Deno.test("Placement: a plan of which nothing was done is undone by doing nothing", async () => {
  await withGround(async ({ state, from, to }) => {
    await new Placement(state, MIGRATION).place([{ from, to }]);
    await Deno.rename(to, from);
    await Deno.writeTextFile(to, "somebody else's");
    await new Placement(state, MIGRATION).undo();
    assertEquals(await Deno.readTextFile(to), "somebody else's");
    assertEquals(await exists(from), true);
  });
});

Deno.test("Placement: a symbolic link on the way is not followed", async () => {
  await withGround(async ({ state, from, to }) => {
    const outside = `${state}/outside`;
    await Deno.mkdir(outside);
    await Deno.symlink(outside, to.replace("/tree", ""));
    await assertRejects(() => new Placement(state, MIGRATION).place([{ from, to }]), PhaulError);
    assertEquals([...Deno.readDirSync(outside)], []);
  });
});
