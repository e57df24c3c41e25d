/**
 * `phaul status`.
 *
 * @module
 */

import type { HostAddress, StatusOptions } from "../haul/options.ts";
import type { MigrationStatus } from "../haul/standing.ts";
import type { Command, Context } from "./command.ts";
import {
  JSON_FLAG,
  ROLE_FLAGS,
  STATE_DIR_FLAG,
  TIMEOUT_FLAGS,
  timeoutsOf,
} from "./common_flags.ts";
import { EXIT_OK } from "./exit_codes.ts";
import { maybe } from "./flags.ts";
import { parseWithId } from "./migration_id.ts";
import { Reporter } from "./reporter.ts";
import { describeStatus } from "./standings.ts";
import { filePath, peerAddress } from "./values.ts";

const PEER_FLAGS = {
  peer: maybe<HostAddress>({
    name: "peer",
    placeholder: "HOST[:PORT]",
    help: "Ask the phaul serve there, instead of the journals of this host",
    read: peerAddress,
  }),
  tokenFile: maybe({
    name: "token-file",
    placeholder: "FILE",
    help: "The peer's join token (default: join-token in the state directory)",
    read: filePath,
  }),
  insecure: ROLE_FLAGS.insecure,
} as const;

const HOST_FLAGS = { stateDir: STATE_DIR_FLAG, json: JSON_FLAG } as const;
const FLAGS = { ...PEER_FLAGS, ...HOST_FLAGS, ...TIMEOUT_FLAGS } as const;

/** The command. */
export const STATUS_COMMAND: Command = {
  name: "status",
  summary: "Tell of migrations that run or were interrupted: whose is the process?",
  usage: "[ID] [FLAGS]",
  about: [
    "Reads the journals of this host and asks its phaul serve, or that of another; changes nothing. A migration that " +
    "has ended, and of whose end both sides know, is not listed any more.",
  ],
  examples: [
    { does: "All that this host has a part in", line: "phaul status" },
    { does: "The same of the other host", line: "phaul status --peer dst" },
  ],
  flags: [
    { title: "Another host", flags: PEER_FLAGS },
    { title: "This host", flags: HOST_FLAGS },
    { title: "Deadlines", flags: TIMEOUT_FLAGS },
  ],
  run: runStatus,
};

async function runStatus(args: readonly string[], context: Context): Promise<number> {
  const { migration, values } = parseWithId("status", FLAGS, args);
  const { stateDir, peer, insecure, json } = values;
  const options: StatusOptions = {
    ...{ stateDir, migration, peer, insecure },
    tokenFile: values.tokenFile ?? `${stateDir}/join-token`,
    timeouts: timeoutsOf(values),
  };
  const found = await context.roles.status(options);
  const reporter = new Reporter(context.terminal, { json, many: false });
  for (const one of found) reporter.json({ event: "migration", ...one });
  if (!json) context.terminal.out(tell(found));
  return EXIT_OK;
}

function tell(found: readonly MigrationStatus[]): string {
  if (found.length === 0) return "No migration is under way or was interrupted\n";
  return found.map((one) => `${describeStatus(one).join("\n")}\n`).join("\n");
}
