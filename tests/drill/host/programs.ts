/** The drill's own programs in C, compiled once and kept in the cache. */

import { run } from "../../../tools/process.ts";
import { cachedFolder, contentKey } from "../../../vm/cache.ts";

/** Where the programs lie. */
export interface Programs {
  /** Preloaded into phaul: stops it at a line of its events. */
  readonly stopper: string;
  /** Writes down datagrams. */
  readonly witness: string;
}

const SOURCES = { "stopper.so": ["stopper.c", "-shared", "-fPIC"], "witness": ["witness.c"] };

/**
 * Compiles them unless the cache has them.
 *
 * @throws Error with the compiler's words
 */
export async function drillPrograms(): Promise<Programs> {
  const path = (name: string) => new URL(name, import.meta.url).pathname;
  const texts = Object.values(SOURCES).map(([name = ""]) => Deno.readTextFile(path(name)));
  const key = await contentKey([...await Promise.all(texts), Deno.build.arch]);
  const dir = await cachedFolder("drill", key, async (dir) => {
    for (const [program, [name = "", ...flags]] of Object.entries(SOURCES)) {
      const args = ["-O1", "-Wall", "-Wextra", ...flags, "-o", `${dir}/${program}`, path(name)];
      const { code, stderr } = await run("cc", [...args, "-ldl"]);
      if (code !== 0) throw new Error(`Cannot compile ${name}: ${stderr}`);
    }
  });
  return { stopper: `${dir}/stopper.so`, witness: `${dir}/witness` };
}
