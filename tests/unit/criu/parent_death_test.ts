import { assertEquals, assertThrows } from "@std/assert";
import { forgetParentDeath } from "../../../src/criu/mod.ts";
import { PhaulError } from "../../../src/errors.ts";
import { corpus } from "../../fuzz/fuzz.ts";
import { Temporary } from "../pages/temporary.ts";

const TASK = 29_430;

/** The images of a real task that had the wish. */
async function images(dir: string): Promise<Uint8Array> {
  const [[core], [pstree]] = [await corpus("core-image"), await corpus("pstree-image")];
  if (!core || !pstree) throw new Error("The corpus is empty");
  Deno.writeFileSync(`${dir}/core-${TASK}.img`, core);
  Deno.writeFileSync(`${dir}/pstree.img`, pstree);
  return core;
}

Deno.test("forgetParentDeath: one byte of a real image changes, and once", async () => {
  using dir = new Temporary();
  const before = await images(dir.path);
  assertEquals(forgetParentDeath(dir.path), TASK);
  const after = Deno.readFileSync(`${dir.path}/core-${TASK}.img`);
  const differing = [...before.entries()].filter(([at, byte]) => after[at] !== byte);
  // SIGKILL.
  assertEquals(differing.map(([, byte]) => byte), [9]);
  assertEquals(after.length, before.length);
  assertEquals(forgetParentDeath(dir.path), undefined);
});

Deno.test("forgetParentDeath: images that are not all there are refused", async () => {
  using dir = new Temporary();
  await images(dir.path);
  Deno.removeSync(`${dir.path}/core-${TASK}.img`);
  const error = assertThrows(() => forgetParentDeath(dir.path), PhaulError);
  assertEquals(error.code, "protocol");
});

Deno.test("forgetParentDeath: an image of any size that a peer likes is not read", async () => {
  using dir = new Temporary();
  await images(dir.path);
  Deno.truncateSync(`${dir.path}/core-${TASK}.img`, 2 ** 30);
  const error = assertThrows(() => forgetParentDeath(dir.path), PhaulError);
  assertEquals(error.code, "protocol");
});
