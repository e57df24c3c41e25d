import { assertEquals, assertStringIncludes } from "@std/assert";
import { hostCriu } from "../../tools/host_criu.ts";
import { binary, eventually, RunningPhaul, sleeper, tempDir } from "./binary.ts";

const ignore = Deno.uid() !== 0;

/** A server on a port of the system's choice. */
async function serve(dir: string, more: readonly string[] = []): Promise<RunningPhaul> {
  return await RunningPhaul.start([
    ...["serve", "--listen", "127.0.0.1:0", "--criu", await hostCriu()],
    ...["--state-dir", `${dir}/state`, "--work-dir", `${dir}/work`, ...more],
  ]);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test({ name: `phaul serve: ${signal} ends it with 0`, ignore }, async () => {
    await using dir = await tempDir();
    await using server = await serve(dir.path);
    await server.event("listening");
    server.kill(signal);
    const { code, stderr } = await server.ended();
    assertEquals(code, 0);
    assertStringIncludes(stderr, `${signal}: ending`);
  });
}

Deno.test(
  { name: "phaul serve: SIGUSR1 asks how things stand, and ends nothing", ignore },
  async () => {
    await using dir = await tempDir();
    await using server = await serve(dir.path);
    await server.event("listening");
    server.kill("SIGUSR1");
    server.kill("SIGTERM");
    const { code, stderr } = await server.ended();
    assertEquals(code, 0);
    assertStringIncludes(stderr, "No migration is under way");
  },
);

Deno.test(
  { name: "phaul serve --metrics: tells Prometheus its figures, and nothing else", ignore },
  async () => {
    await using dir = await tempDir();
    const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = free.addr;
    free.close();
    await using server = await serve(dir.path, ["--metrics", String(port)]);
    await server.event("listening");
    const figures = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    assertStringIncludes(figures, "phaul_migrations_under_way 0");
    const other = await fetch(`http://127.0.0.1:${port}/`);
    assertEquals([other.status, await other.text()], [404, "See /metrics\n"]);
    server.kill("SIGTERM");
    assertEquals((await server.ended()).code, 0);
  },
);

/** Marks that it was reached, then waits until it is told to go on. */
async function waitingHook(dir: string): Promise<string> {
  const path = `${dir}/hook`;
  const script = `#!/bin/sh\n[ "$PHAUL_STAGE" = connected ] || exit 0\n: >${dir}/reached\n` +
    `while [ ! -e ${dir}/go ]; do sleep 0.05; done\n`;
  await Deno.writeTextFile(path, script, { mode: 0o755 });
  return path;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test({
    name: `phaul migrate: ${signal} before the commit cancels, and the process stays`,
    ignore,
  }, async () => {
    await using dir = await tempDir();
    await using victim = await sleeper();
    await using server = await serve(dir.path);
    const { port, tokenFile } = await server.event("listening");
    await using source = await RunningPhaul.start([
      ...["migrate", "--pid", String(victim.pid), "--peer", `127.0.0.1:${port}`],
      ...["--criu", await hostCriu(), "--token-file", String(tokenFile)],
      ...["--work-dir", `${dir.path}/source`, "--hook", await waitingHook(dir.path)],
    ]);
    await eventually("stage", () => Deno.stat(`${dir.path}/reached`).catch(() => undefined));
    source.kill(signal);
    await Deno.writeTextFile(`${dir.path}/go`, "");
    const { whereabouts } = await source.event("failed");
    const { code, stderr } = await source.ended();
    assertEquals([code, whereabouts], [55, "source"], stderr);
    assertStringIncludes(stderr, `${signal}: cancelling`);
    Deno.kill(victim.pid, "SIGCONT"); // Throws when there is no such process.
    assertEquals((await server.event("aborted"))["code"], "cancelled");
  });
}

for (const [trap, survives] of [["trap - HUP", false], ["trap '' HUP", true]] as const) {
  Deno.test({
    name: `phaul serve: SIGHUP ${survives ? "stays ignored as under nohup" : "ends it"}`,
    ignore,
  }, async () => {
    await using dir = await tempDir();
    const args = ["serve", "--listen", "127.0.0.1:0", "--criu", await hostCriu()];
    const folders = ["--state-dir", `${dir.path}/state`, "--work-dir", `${dir.path}/work`];
    await using server = await RunningPhaul.start(
      ["-c", `${trap}; exec "$0" "$@"`, await binary(), ...args, ...folders],
      { program: "/bin/sh" },
    );
    await server.event("listening");
    server.kill("SIGHUP");
    if (survives) server.kill("SIGTERM");
    const { code, stderr } = await server.ended();
    assertEquals(code, 0);
    assertStringIncludes(stderr, survives ? "SIGTERM: ending" : "SIGHUP: ending");
    assertEquals(stderr.includes("SIGHUP"), !survives);
  });
}
