/**
 * `phaul serve`.
 *
 * @module
 */

import { asPhaulError } from "../errors.ts";
import {
  DEFAULT_DRAIN_MS,
  DEFAULT_PORT,
  DEFAULT_SERVE_LIMITS,
  type HostAddress,
  type ServeOptions,
} from "../haul/options.ts";
import type { Command, Context } from "./command.ts";
import {
  CRIU_SOCKET_FLAG,
  deadline,
  ROLE_FLAGS,
  roleOptions,
  TIMEOUT_FLAGS,
} from "./common_flags.ts";
import { EXIT_OK } from "./exit_codes.ts";
import { type Flag, list, maybe, optional, parseFlags } from "./flags.ts";
import { Reporter } from "./reporter.ts";
import { stoppable } from "./signals.ts";
import {
  ANY_ADDRESS,
  byteSize,
  filePath,
  listenAddress,
  localAddress,
  wholeNumber,
} from "./values.ts";

/** More than any host has room for; a mistyped number is to be seen. */
const MOST = 100_000;

const LISTEN_FLAGS = {
  listen: optional<HostAddress>({
    name: "listen",
    placeholder: "[ADDR:]PORT",
    help: "Listen there; port 0 lets the system choose",
    read: listenAddress,
    fallback: { host: ANY_ADDRESS, port: DEFAULT_PORT },
    shownDefault: `${ANY_ADDRESS}:${DEFAULT_PORT}`,
  }),
  directPort: maybe({
    name: "direct-port",
    placeholder: "PORT",
    help:
      "Let the sources' CRIUs send pages to that port themselves, as plain text; only for networks " +
      "that are trusted (migrate --channel direct)",
    read: wholeNumber(0, 65_535),
  }),
} as const;

const METRICS_FLAGS = {
  metrics: maybe<HostAddress>({
    name: "metrics",
    placeholder: "[ADDR:]PORT",
    help:
      "Answer GET /metrics there for Prometheus, to anybody who can reach it; on this host only " +
      "without ADDR",
    read: localAddress,
  }),
} as const;

const DRAIN_FLAGS = {
  drainMs: deadline(
    "drain-timeout",
    "How long running migrations may go on once it is told to end",
    DEFAULT_DRAIN_MS,
  ),
} as const;

const FILES_FLAGS = {
  allowedPaths: list({
    name: "allow-path",
    placeholder: "PATH",
    help:
      "Let sources make or replace PATH, or what lies below, by migrate --fs tree; nothing of " +
      "that unless given; may be given again",
    read: filePath,
  }),
} as const;

const RESTORER_FLAGS = {
  criuSocket: CRIU_SOCKET_FLAG,
} as const;

const LIMIT_FLAGS = {
  maxMigrations: limit(
    "max-migrations",
    "Migrations under way at once",
    DEFAULT_SERVE_LIMITS.maxMigrations,
  ),
  maxConnections: limit(
    "max-connections",
    "Control connections of sources that proved themselves",
    DEFAULT_SERVE_LIMITS.maxConnections,
  ),
  maxUnproved: limit(
    "max-unproved",
    "Connections of peers that have not proved themselves yet",
    DEFAULT_SERVE_LIMITS.maxUnproved,
  ),
  maxImageBytes: maybe({
    name: "max-image-bytes",
    placeholder: "SIZE",
    help: "Images and pages that one migration may bring (default: all that there is room for)",
    read: byteSize,
  }),
  keepFreeBytes: optional({
    name: "keep-free",
    placeholder: "SIZE",
    help: "What all together must leave free where the work dir lies, and of memory on tmpfs",
    read: byteSize,
    fallback: DEFAULT_SERVE_LIMITS.keepFreeBytes,
    shownDefault: "16M",
  }),
} as const;

const FLAGS = {
  ...LISTEN_FLAGS,
  ...METRICS_FLAGS,
  ...FILES_FLAGS,
  ...RESTORER_FLAGS,
  ...ROLE_FLAGS,
  ...LIMIT_FLAGS,
  ...TIMEOUT_FLAGS,
  ...DRAIN_FLAGS,
} as const;

function limit(name: string, help: string, fallback: number): Flag<number> {
  const read = wholeNumber(1, MOST);
  return optional({ name, placeholder: "N", help, read, fallback, shownDefault: `${fallback}` });
}

/** The command. */
export const SERVE_COMMAND: Command = {
  name: "serve",
  summary: "Wait for process trees from other hosts",
  usage: "[FLAGS]",
  about: [
    "Takes in process trees that phaul migrate sends. At its first start it makes a certificate and " +
    "a join token in the state directory; a source needs a copy of the token.",
    "SIGTERM or Ctrl-C ends it: it takes nothing more in, and running migrations may end within " +
    "--drain-timeout; a second signal gives them up at once. What it restored runs on; what was " +
    "not committed stays with its source.",
    "At its start it goes on with what a phaul that died has left here, as far as that is safe.",
  ],
  examples: [
    { does: "Listen on port 7284 of every address", line: "phaul serve" },
    {
      does: "Hand the token to a source, as root of both hosts",
      line: "scp -p /var/lib/phaul/join-token root@src:/var/lib/phaul/",
    },
    {
      does: "One address, another port, events for a program",
      line: "phaul serve --listen 10.0.0.2:9000 --json",
    },
  ],
  flags: [
    { title: "Where", flags: { ...LISTEN_FLAGS, ...METRICS_FLAGS } },
    { title: "Files", flags: FILES_FLAGS },
    { title: "Under systemd", flags: RESTORER_FLAGS },
    { title: "This host", flags: ROLE_FLAGS },
    { title: "Limits", flags: LIMIT_FLAGS },
    { title: "Deadlines", flags: { ...TIMEOUT_FLAGS, ...DRAIN_FLAGS } },
  ],
  run: runServe,
};

async function runServe(args: readonly string[], context: Context): Promise<number> {
  const { options, json, quiet } = readServe(args);
  const reporter = new Reporter(context.terminal, { json, quiet, many: true });
  if (options.insecure) {
    reporter.warning("--insecure takes processes from anyone who reaches the port");
  }
  try {
    await stoppable(
      (signal, hurry) =>
        context.roles.serve(options, (event) => reporter.event(event), signal, hurry),
      (name, first) =>
        reporter.line(`${name}: ${first ? "ending" : "giving up what has not ended yet"}`),
      () => reporter.state(),
    );
    return EXIT_OK;
  } catch (error) {
    return reporter.failure(asPhaulError(error));
  }
}

/**
 * Reads the command line of `phaul serve`.
 *
 * @throws {PhaulError} "usage".
 */
export function readServe(args: readonly string[]): {
  options: ServeOptions;
  json: boolean;
  quiet: boolean;
} {
  const values = parseFlags("serve", FLAGS, args);
  const {
    listen,
    directPort,
    metrics,
    criuSocket,
    drainMs,
    json,
    maxMigrations,
    maxConnections,
    maxUnproved,
  } = values;
  const { maxImageBytes, keepFreeBytes } = values;
  const limits = { maxMigrations, maxConnections, maxUnproved, maxImageBytes, keepFreeBytes };
  return {
    options: {
      ...roleOptions(values),
      ...{ listen, directPort, metrics, criuSocket, drainMs, limits },
      allowedPaths: values.allowedPaths,
    },
    json,
    quiet: values.quiet,
  };
}
