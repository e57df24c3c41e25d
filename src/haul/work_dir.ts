/**
 * Where the images of one migration lie: in memory unless the operator names another place.
 *
 * @module
 */

import type { Side } from "../migrate/tables.ts";
import { ensureDirectory } from "../proc/mod.ts";

/** On tmpfs on every common distribution. */
export const DEFAULT_WORK_DIR = "/dev/shm/phaul";

/** A directory of one migration, removed when it is disposed of. */
export interface WorkDir extends AsyncDisposable {
  readonly path: string;
  /** Saves CRIU's logs to `logsDir/<migration>-N-<name>`; failures are not worth an error of their own. */
  keepLogs(logsDir: string): Promise<void>;
}

/**
 * Makes `<base>/<migration>-<side>`, of mode 0700; one host may be both sides at once.
 *
 * @throws PhaulError `directory-unusable`
 */
export async function newWorkDir(
  base: string | undefined,
  migration: string,
  side: Side,
): Promise<WorkDir> {
  const parent = base ?? DEFAULT_WORK_DIR;
  await ensureDirectory(parent);
  const path = `${parent}/${migration}-${side}`;
  await ensureDirectory(path);
  return {
    path,
    keepLogs: (logsDir) => keepLogs(path, logsDir, migration).catch(() => {}),
    async [Symbol.asyncDispose]() {
      await Deno.remove(path, { recursive: true }).catch(() => {});
    },
  };
}

async function keepLogs(path: string, logsDir: string, migration: string): Promise<void> {
  await ensureDirectory(logsDir);
  for await (const iteration of Deno.readDir(path)) {
    if (!iteration.isDirectory) continue;
    for await (const file of Deno.readDir(`${path}/${iteration.name}`)) {
      if (!file.name.endsWith(".log")) continue;
      const name = `${migration}-${iteration.name}-${file.name}`;
      await Deno.copyFile(`${path}/${iteration.name}/${file.name}`, `${logsDir}/${name}`);
    }
  }
}
