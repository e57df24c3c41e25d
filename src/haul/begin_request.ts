/**
 * How a migration is announced to its destination.
 *
 * @module
 */

import type { Victim } from "../check/mod.ts";
import type { BeginRequest } from "../wire/mod.ts";
import { PAGE_BYTES } from "./admission.ts";
import { fileFact } from "./checkup.ts";
import { movesOf, outsideTrees } from "./files/source_files.ts";
import { type CriuFlags, mayLend, type MigrateOptions } from "./options.ts";

/** The announcement of `victim`, dumped by a CRIU of that version. */
export function beginRequest(
  options: MigrateOptions,
  migrationId: string,
  victim: Victim,
  criuVersion: string,
): BeginRequest {
  return {
    type: "begin",
    migrationId,
    rootPid: victim.processes[0]?.nsPid ?? options.pid,
    processes: victim.processes.map((p) => ({
      pid: p.nsPid,
      stopped: p.state === "stopped",
      zombie: p.state === "zombie",
    })),
    comm: victim.comm,
    criuVersion,
    arch: Deno.build.arch,
    pageSize: PAGE_BYTES,
    ownPidNamespace: victim.ownPidNamespace,
    restore: restoreOptions(options.criu),
    holdMode: victim.leadsSession ? "stopped" : "notify",
    durable: options.durable ?? false,
    files: expectedFiles(victim, options).map(fileFact),
    ...movesOf(options),
    memoryBytes: victim.memoryBytes,
    restoreMode: options.restoreMode,
    // A criu service takes no socket.
    direct: options.channel === "direct" && options.criuService === undefined,
    skippedChecks: options.skippedChecks ?? [],
    late: mayLend(options.mode),
  };
}

/** What is open is offered later, and answered by what is wanted of it. */
function expectedFiles({ files }: Victim, { fs = [] }: MigrateOptions): Victim["files"] {
  return fs.some(({ kind }) => kind === "open") ? [] : outsideTrees(files, fs);
}

function restoreOptions(flags: CriuFlags): BeginRequest["restore"] {
  const { tcpEstablished, tcpClose, shellJob, extUnixSk, fileLocks, linkRemap } = flags;
  const { manageCgroupsMode, external } = flags;
  return {
    tcpEstablished,
    tcpClose,
    shellJob,
    extUnixSk,
    fileLocks,
    linkRemap,
    manageCgroupsMode,
    external,
  };
}
