/**
 * Moves a process of this host into a new copy of itself, through the library alone: what the Go
 * library's demo does.
 *
 *     deno run -A examples/local.ts PID [CRIU]
 *
 * The process should lead its own pid namespace (`unshare --pid --fork setsid PROGRAM`), so that its
 * pids are free again in the namespace that the restore makes.
 */

import {
  CriuSession,
  dumpOptions,
  findCriu,
  nextImagesDir,
  PhaulClient,
  type PhaulConfig,
  type PhaulLocal,
  PhaulServer,
  streamPair,
} from "../src/mod.ts";

/** Dumps, copies the images over and restores, all on this host. */
class LocalEngine implements PhaulLocal {
  readonly #server: PhaulServer;
  restoredPid = 0;

  constructor(server: PhaulServer) {
    this.#server = server;
  }

  async dumpCopyRestore(
    criu: CriuSession,
    config: PhaulConfig,
    lastImagesDir: string | undefined,
  ): Promise<void> {
    const dir = nextImagesDir(config.workDir, lastImagesDir);
    const options = dumpOptions(config, dir, lastImagesDir);
    const trackMem = lastImagesDir !== undefined;
    await criu.dump({ ...options, trackMem }, async ({ name }) => {
      if (name !== "post-dump") return;
      // The tree is frozen and its pages are sent: the server must have them all before the restore.
      await this.#server.stopIter();
      await copyImages(dir, this.#server.lastImagesDir);
    });
    // Here the tree is gone. A careful engine restores before it lets CRIU kill the tree (see
    // migrateTree); this one shows the order of the Go library's demo.
    this.restoredPid = await restore(this.#server.lastImagesDir, config.criuPath);
  }
}

async function copyImages(from: string, to: string): Promise<void> {
  for await (const { name } of Deno.readDir(from)) {
    if (name.endsWith(".img")) await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

async function restore(imagesDir: string, criuPath: string | undefined): Promise<number> {
  using session = CriuSession.start(await findCriu(criuPath));
  const { pid } = await session.restore({ imagesDir, workDir: imagesDir, logFile: "restore.log" });
  return pid;
}

/** Migrates process `pid` locally; returns the new root's pid on this host. */
export async function migrateLocally(pid: number, criuPath?: string): Promise<number> {
  const workDir = await Deno.makeTempDir({ prefix: "phaul-example-" });
  await Deno.mkdir(`${workDir}/source`);
  await Deno.mkdir(`${workDir}/destination`);
  const [near, far] = streamPair();
  using _near = near;
  using _far = far;
  const server = new PhaulServer({ memory: far, workDir: `${workDir}/destination`, criuPath });
  const engine = new LocalEngine(server);
  const client = new PhaulClient(engine, server, {
    pid,
    memory: near,
    workDir: `${workDir}/source`,
    criuPath,
  });
  try {
    await client.migrate();
    return engine.restoredPid;
  } finally {
    await server.abort();
    await Deno.remove(workDir, { recursive: true });
  }
}

if (import.meta.main) {
  const [pid, criuPath] = Deno.args;
  console.log(`runs on as ${await migrateLocally(Number(pid), criuPath)}`);
}
