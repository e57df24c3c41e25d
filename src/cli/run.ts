/**
 * The command line's front: finds the command and turns its end into an exit code.
 *
 * @module
 */

import { readBuildInfo } from "./build_info.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Runs one command.
 *
 * @returns The exit code.
 */
export function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  if (args[0] !== "version") {
    terminal.err('The command line is not there yet; see "phaul version"\n');
    return Promise.resolve(2);
  }
  const info = readBuildInfo();
  terminal.out(`phaul ${info.version} (${info.kind} build)\n`);
  return Promise.resolve(0);
}
