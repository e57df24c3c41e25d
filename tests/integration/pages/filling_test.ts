/** Memory of real processes, filled in by a real fault server while they do all they can to it. */

import { assert, assertEquals } from "@std/assert";
import { lazyStateIn } from "../../../src/pages/mod.ts";
import { loadLibc } from "../../../src/sys/mod.ts";
import { Random } from "../../fuzz/mutator.ts";
import { Temporary } from "../../unit/pages/temporary.ts";
import { pause, until } from "../host/waiting.ts";
import { fillIn } from "./faulter.ts";

loadLibc();

/** The fault server that is a child of this process, if there is one. */
async function serverPid(): Promise<number | undefined> {
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const command = Deno.readTextFileSync(`/proc/${name}/cmdline`);
      const stat = Deno.readTextFileSync(`/proc/${name}/stat`);
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      if (command.includes("\0fault-server\0") && parent === Deno.pid) return Number(name);
    } catch {
      // It has ended.
    }
  }
  return undefined;
}

for (const seed of [1, 2, 3, 4]) {
  Deno.test(`LazyPages: a process that moves, forgets and unmaps finds all right, ${seed}`, async () => {
    using dir = new Temporary();
    const options = { dir: dir.path, pages: 4096, threads: 2, seed, steps: 6000, forks: 0 };
    const { code, pages, faults, wanted } = await fillIn(options, new Random(seed));
    assertEquals(code, 0);
    assert(pages <= wanted && pages > 0, `${pages} of ${wanted} pages`);
    assert(faults > 0);
    assertEquals(lazyStateIn(dir.path), "drained");
  });

  Deno.test(`LazyPages: children, and theirs, have the memory of their parents, ${seed}`, async () => {
    using dir = new Temporary();
    const options = { dir: dir.path, pages: 1024, threads: 2, seed, steps: 4000, forks: 3 };
    assertEquals((await fillIn(options, new Random(seed))).code, 0);
    assertEquals(lazyStateIn(dir.path), "drained");
  });

  Deno.test(`LazyPages: fault servers that are killed are replaced, ${seed}`, async () => {
    using dir = new Temporary();
    const random = new Random(seed);
    const options = { dir: dir.path, pages: 4096, threads: 2, seed, steps: 20_000, forks: 0 };
    let killed = 0;
    const { code } = await fillIn(options, random, {
      meanwhile: async (lazyPages) => {
        let over = false;
        lazyPages.drained.then(() => over = true, () => over = true);
        while (!over && killed < 12) {
          const pid = await until("a fault server is there", async () => over || await serverPid());
          if (pid === true) break;
          await pause(random.pick([0, 0, 50, 200, 400, 700, 1000]));
          try {
            Deno.kill(pid, "SIGKILL");
            killed++;
          } catch {
            // It has ended.
          }
        }
      },
    });
    assertEquals(code, 0);
    assert(killed > 0);
    assertEquals(lazyStateIn(dir.path), "drained");
  });
}

Deno.test("LazyPages: a server that dies before it was told anything is replaced", async () => {
  using dir = new Temporary();
  const options = { dir: dir.path, pages: 256, threads: 1, seed: 1, steps: 500, forks: 0 };
  const { code } = await fillIn(options, new Random(1), { early: killServer });
  assertEquals(code, 0);
  assertEquals(lazyStateIn(dir.path), "drained");
});

Deno.test("LazyPages: contents that are not what they were are noticed by the process", async () => {
  using dir = new Temporary();
  const options = { dir: dir.path, pages: 256, threads: 1, seed: 1, steps: 0, forks: 0 };
  const spoil = () => {
    const file = Deno.openSync(`${dir.path}/pages-1.img`, { write: true });
    file.writeSync(new Uint8Array(8).fill(0xee));
    file.close();
    return Promise.resolve();
  };
  const { code } = await fillIn(options, new Random(1), { ready: spoil });
  assertEquals(code, 1);
});

async function killServer(): Promise<void> {
  const pid = await until("a fault server is there", serverPid);
  Deno.kill(pid, "SIGKILL");
  await until("it is gone", () => {
    try {
      Deno.statSync(`/proc/${pid}`);
      return false;
    } catch {
      return true;
    }
  });
}
