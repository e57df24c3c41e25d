/**
 * A destination that waits for migrations.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import { CriuSession, type CriuVersion, findCriu, requireCriu } from "../criu/mod.ts";
import { ensureDirectory, requireRoot } from "../proc/mod.ts";
import {
  acceptConnection,
  acceptDirect,
  type Accepted,
  type BeginRequest,
  type ByteStream,
  type CancelRequest,
  type ControlLink,
  Gate,
  listen,
  loadIdentity,
  type MigrationRequest,
  type Reply,
  type Request,
  type ServerSecurity,
  tokenFileName,
  type WireListener,
} from "../wire/mod.ts";
import { CheckDesk } from "./checkup.ts";
import { Complaints } from "./complaints.ts";
import type { DestinationRole } from "./destination.ts";
import { cancelDecided, drain } from "./drain.ts";
import { policyOf } from "./files/targets.ts";
import type { EventSink } from "./events.ts";
import { JournalStore } from "../journal/mod.ts";
import { Links } from "./links.ts";
import { announceServe } from "./local_serve.ts";
import {
  DEFAULT_DRAIN_MS,
  DEFAULT_SERVE_LIMITS,
  type HostAddress,
  type ServeOptions,
} from "./options.ts";
import { keepRecovering } from "./source_recovery.ts";
import { durableBase, Registry } from "./registry.ts";
import { examineRestorer } from "./restorer.ts";
import { TicketBook } from "./tickets.ts";
import { DEFAULT_WORK_DIR, removeOrphans } from "./work_dir.ts";

/**
 * Takes in migrations until `signal` is aborted; running ones may then end within `drainMs`, or until
 * `hurry` is aborted, and are given up after that as far as they may be. Goes on with what a phaul that
 * died has left here.
 *
 * @throws PhaulError `not-root`, `criu-missing`, `criu-too-old`, `port-in-use`, `directory-unusable`
 */
export async function serve(
  options: ServeOptions,
  sink: EventSink,
  signal: AbortSignal,
  hurry: AbortSignal = signal,
): Promise<void> {
  requireRoot("serve");
  const criuPath = await findCriu(options.criuPath);
  const { criuSocket } = options;
  const restorer = await examineRestorer({ criuPath, criuSocket }, await versionOf(criuPath));
  const base = options.workDir ?? DEFAULT_WORK_DIR;
  await ensureDirectory(base);
  await ensureDirectory(options.stateDir);
  const security: ServerSecurity = options.insecure
    ? { kind: "insecure" }
    : { kind: "tls", identity: await loadIdentity(options.stateDir) };
  const listener = await listen(options.listen, security);
  await using owned = new AsyncDisposableStack();
  owned.defer(() => listener.close());
  const direct = await listenDirectly(options);
  owned.defer(() => direct?.close());
  const directPort = direct?.address.port;
  const { insecure, stateDir } = options;
  owned.use(await announceServe(stateDir, { listen: listener.address, insecure }));
  for (const message of restorer.warnings) sink({ event: "warning", message });
  const tickets = new TicketBook();
  const store = new JournalStore(stateDir);
  const registry = new Registry({
    options: { ...options, directPort },
    store,
    criuPath,
    lazyPages: restorer.lazyPages,
    tickets,
    sink,
  });
  await registry.reopenAll();
  for (const place of [base, durableBase(stateDir)]) {
    for (const path of await removeOrphans(place)) {
      sink({ event: "warning", message: `Removed "${path}", which a phaul that ended has left` });
    }
  }
  sink({
    event: "listening",
    ...listener.address,
    ...(directPort === undefined ? {} : { directPort }),
    ...(insecure ? {} : { tokenFile: `${stateDir}/${tokenFileName}` }),
  });
  owned.use(keepRecovering(store, options, sink));
  const checks = new CheckDesk(
    { criuPath, criuSocket },
    options.workDir,
    options.timeouts.stepMs / 2,
    () => policyOf(options),
  );
  const server = new Server(options, security, registry, tickets, checks, sink);
  owned.use(server);
  const accepting = [acceptAll(listener, (stream) => server.connection(stream))];
  if (direct) accepting.push(acceptAll(direct, (stream) => server.directConnection(stream)));
  await aborted(signal);
  const linked = (role: DestinationRole) => server.isLinked(role);
  await drain(registry, { drainMs: options.drainMs ?? DEFAULT_DRAIN_MS, hurry, linked, sink });
  listener.close();
  direct?.close();
  await Promise.all(accepting);
}

/** Hands out each connection, until `listener` is closed. */
async function acceptAll(
  listener: WireListener,
  take: (stream: ByteStream) => Promise<void>,
): Promise<void> {
  for (let stream = await listener.accept(); stream; stream = await listener.accept()) {
    void take(stream);
  }
}

/** The port for pages that come directly, if there is to be one. */
async function listenDirectly(
  { listen: { host }, directPort }: ServeOptions,
): Promise<WireListener | undefined> {
  return directPort === undefined
    ? undefined
    : await listen({ host, port: directPort }, { kind: "insecure" }, "--direct-port");
}

async function versionOf(criuPath: string): Promise<CriuVersion> {
  using session = CriuSession.start(criuPath);
  const version = await session.version();
  requireCriu(version);
  return version;
}

/** Whoever holds the token may send processes, and not decide about those of others. */
function requireLocal(peer: string, listen: HostAddress): void {
  const host = peer.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  if (["127.0.0.1", "::1", listen.host].includes(host)) return;
  throw new PhaulError("protocol", "Cannot take a forced decision from another host");
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** The connections of one `phaul serve`. */
class Server implements Disposable {
  readonly #options: ServeOptions;
  readonly #security: ServerSecurity;
  readonly #registry: Registry;
  readonly #tickets: TicketBook;
  readonly #gate: Gate;
  readonly #links: Links<DestinationRole>;
  readonly #complaints: Complaints;
  readonly #checks: CheckDesk;

  constructor(
    options: ServeOptions,
    security: ServerSecurity,
    registry: Registry,
    tickets: TicketBook,
    checks: CheckDesk,
    sink: EventSink,
  ) {
    this.#options = options;
    this.#security = security;
    this.#registry = registry;
    this.#tickets = tickets;
    this.#checks = checks;
    const limits = options.limits ?? DEFAULT_SERVE_LIMITS;
    this.#gate = new Gate(limits.maxUnproved);
    this.#links = new Links(limits.maxConnections);
    this.#complaints = new Complaints((message) => sink({ event: "warning", message }));
  }

  /** Whether a source speaks of that migration now. */
  isLinked(role: DestinationRole): boolean {
    return this.#links.has(role);
  }

  /** Ends all control links. */
  [Symbol.dispose](): void {
    this.#links.close();
    this.#complaints[Symbol.dispose]();
  }

  /** Serves a connection for as long as it is the server's. */
  async connection(stream: ByteStream): Promise<void> {
    try {
      const accepted = await this.#opened(stream);
      if (accepted.kind === "control") await this.#control(accepted.link);
      else this.#tickets.deliver(accepted.ticket, accepted.stream);
    } catch (error) {
      this.#complain(stream, error);
    }
  }

  #complain(stream: ByteStream, error: unknown): void {
    const { message } = asPhaulError(error);
    this.#complaints.add(`Refused a connection from ${stream.peer}: ${message}`);
  }

  /** The same for one of a CRIU that sends pages itself. */
  async directConnection(stream: ByteStream): Promise<void> {
    try {
      using place = this.#gate.enter(stream.peer);
      const ticket = await acceptDirect(stream, {
        deadlineMs: this.#options.timeouts.connectMs,
        redeemTicket: (ticket) => this.#tickets.redeem(ticket, "direct"),
        signal: place.signal,
      });
      this.#tickets.deliver(ticket, stream);
    } catch (error) {
      this.#complain(stream, error);
    }
  }

  async #opened(stream: ByteStream): Promise<Accepted> {
    const { connectMs, peerSilentMs } = this.#options.timeouts;
    using place = this.#gate.enter(stream.peer);
    return await acceptConnection(stream, this.#security, {
      deadlineMs: connectMs,
      peerTimeoutMs: peerSilentMs,
      redeemTicket: (ticket, kind) => this.#tickets.redeem(ticket, kind),
      signal: place.signal,
    });
  }

  /** Serves one control link until it ends. */
  async #control(link: ControlLink): Promise<void> {
    this.#links.add(link);
    link.serve((request) => this.#answer(link, request));
    const error = await link.lost;
    const role = this.#links.remove(link);
    if (role) this.#unlinked(role, error);
  }

  async #answer(link: ControlLink, request: Request): Promise<Reply> {
    switch (request.type) {
      case "check":
        return await this.#checks.answer(request);
      case "begin":
        return await this.#begin(link, request);
      case "inquire":
        return {
          type: "standings",
          standings: await this.#registry.standings(request.migrationId),
        };
      case "cancel":
        return await this.#cancel(request);
      default:
        return await (await this.#roleFor(link, request)).answer(request);
    }
  }

  async #begin(link: ControlLink, request: BeginRequest): Promise<Reply> {
    this.#links.requireFree(link);
    const role = await this.#registry.admit(request, link);
    if (!this.#links.began(link, role)) this.#unlinked(role, await link.lost);
    return { type: "begun", migrationId: role.migration, ...role.terms };
  }

  async #cancel(request: CancelRequest): Promise<Reply> {
    const reason = new PhaulError("cancelled", "Cannot go on: cancelled on the destination");
    const role = await this.#registry.find(request);
    role.interrupt("cancel", reason);
    await cancelDecided(role, this.#options.timeouts.stepMs);
    return { type: "standings", standings: await this.#registry.standings(request.migrationId) };
  }

  async #roleFor(link: ControlLink, request: MigrationRequest): Promise<DestinationRole> {
    if (!("migrationId" in request)) return this.#links.originOf(link, request.type);
    if ("forced" in request && request.forced) requireLocal(link.peer, this.#options.listen);
    const role = await this.#registry.find(request);
    this.#links.speaksOf(link, role);
    return role;
  }

  /** A link that spoke of `role` ended; the source is lost only when no other one is left. */
  #unlinked(role: DestinationRole, error: PhaulError): void {
    if (!this.isLinked(role)) role.interrupt("peer-lost", error);
  }
}
