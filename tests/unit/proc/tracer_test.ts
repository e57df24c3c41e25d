import { assertEquals } from "@std/assert";
import { killCriuOf, leftByCriu, listTree, type TreeProcess } from "../../../src/proc/mod.ts";
import { loadLibc } from "../../../src/sys/mod.ts";
import { TestTree } from "./children.ts";

loadLibc();

/** A stand-in: a shell that is called as CRIU is, with a child, and waits for that. */
const SWRK = ["bash", "-c", "sleep 1000 & wait", "criu", "swrk", "7"];

function both([criu, child]: readonly TreeProcess[]): readonly [TreeProcess, TreeProcess] {
  if (!criu || !child) throw new Error("one of both is missing");
  return [criu, child];
}

Deno.test("leftByCriu: waits for a criu that is the parent, and kills one that does not let go", async () => {
  await using tree = TestTree.start(SWRK);
  const [criu, child] = both(await tree.until(({ length }) => length === 2));
  await leftByCriu([child]);
  assertEquals(listTree(child.pid)[0]?.parentPid === criu.pid, false);
  Deno.kill(child.pid, "SIGKILL");
});

Deno.test("killCriuOf: kills it at once, and nobody for a pid that is another's by now", async () => {
  await using tree = TestTree.start(SWRK);
  const [criu, child] = both(await tree.until(({ length }) => length === 2));
  killCriuOf([{ ...child, startTimeTicks: "1" }]);
  await leftByCriu([{ ...child, startTimeTicks: "1" }]);
  assertEquals(listTree(child.pid)[0]?.parentPid, criu.pid);
  killCriuOf([child]);
  await leftByCriu([child]);
  Deno.kill(child.pid, "SIGKILL");
});

Deno.test("leftByCriu: a process that another parent has is left by every criu", async () => {
  await using tree = TestTree.start(["sleep", "1000"]);
  await leftByCriu(await tree.until(({ length }) => length === 1));
});
