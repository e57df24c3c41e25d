/** The ground with real caches and processors: two namespaces of this machine. */

import { hostCriu } from "../../tools/host_criu.ts";
import { BINARY } from "../../tools/build.ts";
import { run } from "../../tools/process.ts";
import { programsFolder } from "../../vm/payload.ts";
import { ADDRESSES, connect, Host } from "../integration/host/host.ts";
import type { Ground, Where } from "./ground.ts";

const SHARED_MEMORY = "/dev/shm";

/** Makes both hosts. The caller owns them. */
export async function hostGround(): Promise<Ground> {
  const criu = await hostCriu();
  const programs = await programsFolder();
  await using owned = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ dir: SHARED_MEMORY, prefix: "phaul-bench-" });
  owned.defer(() => Deno.remove(dir, { recursive: true }).catch(() => {}));
  const host = async (name: string, firstPid: number) =>
    owned.use(await Host.make({ name, firstPid, dir: `${dir}/${name}`, within: dir }));
  const source = await host("alpha", 10_000);
  const destination = await host("beta", 20_000);
  await connect(source, destination);
  const version = (await run(criu, ["--version"])).stdout;
  const kept = owned.move();
  return {
    place: "host",
    title: `this host, CRIU ${/^Version: (\S+)/m.exec(version)?.[1] ?? "?"}`,
    // Never tried here, although a kernel might: the lane has them, and repeats.
    preDumps: false,
    criu,
    phaul: BINARY,
    programs,
    dir,
    address: ADDRESSES[1],
    inits: { source: source.initPid, destination: destination.initPid },
    run: (where, script) => runOn({ source, destination, around: undefined }[where], where, script),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function runOn(host: Host | undefined, where: Where, script: string): Promise<string> {
  const command = ["bash", "-c", script] as const;
  const { code, stdout, stderr } = host === undefined
    ? await run(command[0], command.slice(1), { cwd: "/" })
    : await host.try(...command);
  if (code === 0) return stdout;
  const words = (stderr || stdout).trim().slice(-2000);
  throw new Error(`Cannot run a step on the ${where}: exit code ${code}\n${words}`);
}
