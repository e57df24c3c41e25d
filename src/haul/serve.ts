/**
 * A destination that waits for migrations.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import { CriuSession, type CriuVersion, findCriu, requireCriu } from "../criu/mod.ts";
import { checkDestination, confinements, ensureDirectory, requireRoot } from "../proc/mod.ts";
import {
  acceptConnection,
  type BeginRequest,
  type ByteStream,
  type ControlLink,
  listen,
  loadIdentity,
  type Reply,
  type Request,
  type ServerSecurity,
  tokenFileName,
  type WireListener,
} from "../wire/mod.ts";
import { DestinationRole } from "./destination.ts";
import type { EventSink } from "./events.ts";
import { MemoryJournal } from "./journal.ts";
import type { ServeOptions } from "./options.ts";
import { TicketBook } from "./tickets.ts";
import { DEFAULT_WORK_DIR, newWorkDir } from "./work_dir.ts";

/** How many ended migrations are remembered, to answer a verdict that comes again. */
const REMEMBERED = 1000;
/** The only size of pages that this version knows, on every host. */
const PAGE_BYTES = 4096;

/**
 * Takes in migrations until `signal` is aborted; running ones are then given up as far as they may be.
 *
 * @throws PhaulError `not-root`, `criu-missing`, `criu-too-old`, `port-in-use`, `directory-unusable`
 */
export async function serve(
  options: ServeOptions,
  sink: EventSink,
  signal: AbortSignal,
): Promise<void> {
  requireRoot("serve");
  const criuPath = await findCriu(options.criuPath);
  const criu = await versionOf(criuPath);
  await ensureDirectory(options.workDir ?? DEFAULT_WORK_DIR);
  const security: ServerSecurity = options.insecure
    ? { kind: "insecure" }
    : { kind: "tls", identity: await loadIdentity(options.stateDir) };
  const listener = await listen(options.listen, security);
  sink({
    event: "listening",
    host: listener.address.host,
    port: listener.address.port,
    ...(options.insecure ? {} : { tokenFile: `${options.stateDir}/${tokenFileName}` }),
  });
  for (const message of confinements()) sink({ event: "warning", message });
  const server = new Server(options, security, criuPath, criu, sink);
  signal.addEventListener("abort", () => listener.close());
  if (signal.aborted) listener.close();
  await server.acceptAll(listener);
  await server.end();
}

async function versionOf(criuPath: string): Promise<CriuVersion> {
  using session = CriuSession.start(criuPath);
  const version = await session.version();
  requireCriu(version);
  return version;
}

/** The connections and migrations of one `phaul serve`. */
class Server {
  readonly #options: ServeOptions;
  readonly #security: ServerSecurity;
  readonly #criuPath: string;
  readonly #criu: CriuVersion;
  readonly #sink: EventSink;
  readonly #tickets = new TicketBook();
  readonly #roles = new Map<string, DestinationRole>();
  /** The control links, each with the migration that it last spoke of. */
  readonly #links = new Map<ControlLink, DestinationRole | undefined>();

  constructor(
    options: ServeOptions,
    security: ServerSecurity,
    criuPath: string,
    criu: CriuVersion,
    sink: EventSink,
  ) {
    this.#options = options;
    this.#security = security;
    this.#criuPath = criuPath;
    this.#criu = criu;
    this.#sink = sink;
  }

  async acceptAll(listener: WireListener): Promise<void> {
    for (let stream = await listener.accept(); stream; stream = await listener.accept()) {
      void this.#connection(stream);
    }
  }

  /** Gives up what may be given up and waits for it. */
  async end(): Promise<void> {
    const error = new PhaulError("cancelled", "Cannot go on: the destination is shutting down");
    for (const role of this.#roles.values()) {
      role.interrupt("cancel", error);
      if (role.state === "prepared" || role.state === "lost") {
        this.#sink({
          event: "warning",
          migration: role.migration,
          message: "The held tree stays stopped: only its source can say what becomes of it",
        });
      } else await role.ended;
    }
    for (const link of this.#links.keys()) link.close();
  }

  async #connection(stream: ByteStream): Promise<void> {
    const { connectMs, peerSilentMs } = this.#options.timeouts;
    try {
      const accepted = await acceptConnection(stream, this.#security, {
        deadlineMs: connectMs,
        peerTimeoutMs: peerSilentMs,
        redeemTicket: (ticket, kind) => this.#tickets.redeem(ticket, kind),
      });
      if (accepted.kind === "control") await this.#control(accepted.link);
      else this.#tickets.deliver(accepted.ticket, accepted.stream);
    } catch (error) {
      const message = `Refused a connection from ${stream.peer}: ${asPhaulError(error).message}`;
      this.#sink({ event: "warning", message });
    }
  }

  /** Serves one control link until it ends. */
  async #control(link: ControlLink): Promise<void> {
    this.#links.set(link, undefined);
    link.serve((request) => this.#answer(link, request));
    const error = await link.lost;
    const role = this.#links.get(link);
    this.#links.delete(link);
    if (role) this.#unlinked(role, error);
  }

  async #answer(link: ControlLink, request: Request): Promise<Reply> {
    if (request.type === "begin") {
      if (this.#links.get(link)) {
        throw new PhaulError("protocol", "Cannot begin: this connection has a migration");
      }
      const role = await this.#admit(request);
      // The link may have ended meanwhile.
      if (this.#links.has(link)) this.#links.set(link, role);
      else this.#unlinked(role, await link.lost);
      return { type: "begun" };
    }
    if ("migrationId" in request && this.#links.has(link)) {
      this.#links.set(link, this.#find(request));
    }
    const role = this.#links.get(link);
    if (!role) {
      throw new PhaulError("protocol", `Cannot answer "${request.type}": no migration has begun`);
    }
    return await role.answer(request);
  }

  /** A link that spoke of `role` ended; the source is lost only when no other one is left. */
  #unlinked(role: DestinationRole, error: PhaulError): void {
    if (![...this.#links.values()].includes(role)) role.interrupt("peer-lost", error);
  }

  #find(request: { readonly type: string; readonly migrationId: string }): DestinationRole {
    const role = this.#roles.get(request.migrationId);
    if (role) return role;
    throw new PhaulError(
      "protocol",
      `Cannot answer "${request.type}": migration ${request.migrationId} is unknown here`,
    );
  }

  async #admit(begin: BeginRequest): Promise<DestinationRole> {
    if (this.#roles.has(begin.migrationId)) {
      throw new PhaulError("protocol", `Cannot begin migration ${begin.migrationId} twice`);
    }
    this.#checkHosts(begin);
    await checkDestination({
      pids: begin.processes.map((p) => p.pid),
      files: begin.files,
      ownPidNamespace: begin.ownPidNamespace,
    });
    const workDir = await newWorkDir(this.#options.workDir, begin.migrationId, "destination");
    const role = await DestinationRole.admit({
      begin,
      options: this.#options,
      criuPath: this.#criuPath,
      workDir,
      tickets: this.#tickets.office(),
      sink: this.#sink,
      journal: new MemoryJournal(),
      onEnd: () => this.#forget(),
    });
    this.#roles.set(begin.migrationId, role);
    return role;
  }

  /** What must be alike on both hosts for pages and images to be understood. */
  #checkHosts(begin: BeginRequest): void {
    if (begin.arch !== Deno.build.arch) {
      throw new PhaulError(
        "destination-unfit",
        `Cannot take a process of ${begin.arch} in: this host is ${Deno.build.arch}`,
        { remedy: "Name a destination of the same architecture with --peer" },
      );
    }
    // Page counts and CRIU's images are in these units on both sides.
    if (begin.pageSize !== PAGE_BYTES) {
      throw new PhaulError(
        "destination-unfit",
        `Cannot take pages of ${begin.pageSize} bytes in: this host has pages of ${PAGE_BYTES}`,
        { remedy: "Name a destination whose kernel has pages of the same size with --peer" },
      );
    }
    // CRIU 4.2 changed the header of its page protocol, and nothing negotiates it.
    if (usesWideHeaders(begin.criuVersion) !== usesWideHeaders(this.#criu.text)) {
      throw new PhaulError(
        "version-mismatch",
        `Cannot take pages of CRIU ${begin.criuVersion} in: this host has CRIU ${this.#criu.text}, ` +
          "and the page protocol changed in 4.2",
        { remedy: "Install the same CRIU on both hosts, or name one with --criu" },
      );
    }
  }

  /** Forgets the oldest ended migrations. */
  #forget(): void {
    for (const [id, role] of this.#roles) {
      if (this.#roles.size <= REMEMBERED) return;
      if (role.state === "running" || role.state === "discarded") this.#roles.delete(id);
    }
  }
}

function usesWideHeaders(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 4 || (major === 4 && minor >= 2);
}
