/**
 * The program: gives the roles to the command line and exits with what that returns. Each role loads
 * when it is called, so that `phaul help` needs neither libc's symbols nor criu nor root.
 *
 * @module
 */

import type { Roles } from "./src/cli/command.ts";
import { runCli } from "./src/cli/run.ts";
import { processTerminal } from "./src/cli/terminal.ts";
import { FILES_PIPE_COMMAND } from "./src/haul/files/pipe_command.ts";
import { FAULT_SERVER_COMMAND } from "./src/pages/fault_messages.ts";

const roles: Roles = {
  async migrate(options, sink, signal) {
    const { migrateTree } = await import("./src/haul/migrate.ts");
    return await migrateTree(options, sink, signal);
  },
  async exportTree(options, sink, signal) {
    const { exportTree } = await import("./src/haul/export.ts");
    return await exportTree(options, sink, signal);
  },
  async restoreTree(options, sink, signal) {
    const { restoreTree } = await import("./src/haul/restore.ts");
    return await restoreTree(options, sink, signal);
  },
  async serve(options, sink, signal, hurry) {
    const { serveObserved } = await import("./src/haul/observed_serve.ts");
    await serveObserved(options, sink, signal, hurry);
  },
  async plan(options, sink, signal) {
    const { plan } = await import("./src/haul/plan.ts");
    return await plan(options, sink, signal);
  },
  async check(options, signal) {
    const { check } = await import("./src/haul/check.ts");
    return await check(options, signal);
  },
  async status(options) {
    const { status } = await import("./src/haul/standing.ts");
    return await status(options);
  },
  async recover(options, sink, tell) {
    const { recover } = await import("./src/haul/recover.ts");
    return await recover(options, sink, tell);
  },
  async cancel(options) {
    const { cancel } = await import("./src/haul/cancel.ts");
    return await cancel(options);
  },
  async selftest(options, sink, signal) {
    const { selftest } = await import("./src/haul/selftest.ts");
    return await selftest(options, sink, signal);
  },
  async history(stateDir) {
    const { history } = await import("./src/haul/history.ts");
    return await history(stateDir);
  },
  async findVictim(choice) {
    const { findVictim } = await import("./src/haul/find_victim.ts");
    return await findVictim(choice);
  },
  async findCriu(choice) {
    const { foundCriu } = await import("./src/haul/criu_session.ts");
    return await foundCriu(choice);
  },
};

if (Deno.args[0] === FAULT_SERVER_COMMAND) {
  // Of no use to a person: phaul serve starts it.
  const { serveFaults } = await import("./src/pages/fault_server.ts");
  serveFaults(Number(Deno.args[1]));
  Deno.exit(0);
}

if (Deno.args[0] === FILES_PIPE_COMMAND) {
  // The same: rsync starts it for phaul migrate.
  const { pipeFiles } = await import("./src/haul/files/files_pipe.ts");
  await pipeFiles(Deno.args[1] ?? "");
  Deno.exit(0);
}

const terminal = processTerminal();
const code = await runCli(Deno.args, { terminal, roles });
await terminal.flush();
Deno.exit(code);
