/** The workload of `writer.c`, which knows every byte that it ever wrote. */

import { cachedFolder, contentKey } from "../../../vm/cache.ts";
import { run } from "../../../tools/process.ts";
import type { Host } from "./host.ts";
import { appears, textOf, until } from "./waiting.ts";
import type { Side, World } from "./world.ts";

const SOURCE = new URL("../../../vm/workloads/writer.c", import.meta.url);

/** The compiled workload; kept in the cache. */
export async function writerProgram(): Promise<string> {
  const key = await contentKey([await Deno.readTextFile(SOURCE), Deno.build.arch]);
  const dir = await cachedFolder("host-writer", key, async (dir) => {
    const { code, stderr } = await run("cc", [
      ...["-O1", "-Wall", "-o", `${dir}/writer`, SOURCE.pathname],
    ]);
    if (code !== 0) throw new Error(`Cannot compile the writer: ${stderr}`);
  });
  return `${dir}/writer`;
}

/** One that writes; where it runs now is for the tests to find out. */
export class Writer {
  readonly pid: number;
  /** Its files. */
  readonly dir: string;
  readonly #status: string;

  private constructor(pid: number, dir: string, status: string) {
    this.pid = pid;
    this.dir = dir;
    this.#status = status;
  }

  /** Starts one that writes below `dir`, which is there, on a host of `world`. */
  static async start(world: World, side: Side, dir: string): Promise<Writer> {
    const status = await Deno.makeTempFile({ dir: world.dir, prefix: "writer-" });
    await side.host.run(await writerProgram(), dir, status);
    return new Writer(Number(await appears(`${status}.pid`)), dir, status);
  }

  /** Has it compare all that it wrote with all that is there: what it says, `HOST OK WRITES`. */
  async verdict(host: Host): Promise<string> {
    const before = await textOf(this.#status);
    await host.signal(this.pid, "USR1");
    const text = await until("the writer's verdict", async () => {
      const now = await textOf(this.#status);
      return now.length > before.length && now.endsWith("\n") ? now : undefined;
    });
    return text.slice(before.length).trim();
  }
}
