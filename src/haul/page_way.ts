/**
 * How a source's pages get to its destination: through both phauls, or from CRIU directly.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { DirectChannel, type Fd, type PageChannel, type PageStreamListener } from "../criu/mod.ts";
import type { DirectDoor } from "../wire/mod.ts";
import { ReplayedPages } from "../pages/mod.ts";
import { PAGE_BYTES } from "./admission.ts";
import { iterationDir } from "./client.ts";
import { DirectRemote } from "./direct_remote.ts";
import type { MigrateOptions } from "./options.ts";
import { PageHash } from "./page_hash.ts";
import type { Peer } from "./peer.ts";
import { type PagePath, PageRelay } from "./relay.ts";
import { type ProgressListener, type SourceRemote, WireRemote } from "./wire_remote.ts";

/** A way for pages; disposing of it ends what is open of it. */
export interface PageWay extends Disposable {
  /** CRIU's end; none for a CRIU that takes none. */
  readonly memory?: Fd;
  readonly pages: PagePath;
  readonly remote: SourceRemote;
  /** Sends the pages that lie in `imagesDir`, of a CRIU that took no end of a channel. */
  replay?(imagesDir: string): void;
}

/** What a way is made of. */
export interface WayParts {
  readonly options: MigrateOptions;
  readonly peer: Peer;
  /** Between CRIU and the relay; stays its giver's. None where pages go directly, or lie in images. */
  readonly channel: PageChannel | undefined;
  readonly workDir: string;
  /** Where they may go directly. */
  readonly door: DirectDoor | undefined;
  readonly onProgress: ProgressListener;
  /** Hears what CRIU says on the way. */
  readonly listener?: PageStreamListener;
  /** Ends the opening. */
  readonly signal: AbortSignal;
}

/**
 * Opens the way.
 *
 * @throws PhaulError `peer-unreachable`, `cancelled`; `destination-unfit` for one without such a door
 */
export async function openWay(parts: WayParts): Promise<PageWay> {
  const { options, peer, channel, door, workDir, onProgress, listener } = parts;
  using stack = new DisposableStack();
  if (channel) {
    const hash = await PageHash.make();
    const pages = stack.use(new PageRelay(channel, hash, "outgoing", { listener }));
    const remote = stack.use(new WireRemote(peer, pages, onProgress, options));
    return wayOf(channel.criuEnd, pages, remote, stack.move());
  }
  if (options.criuService !== undefined) {
    const replayed = new ReplayedPages(PAGE_BYTES);
    stack.defer(() => replayed.shutdown());
    const relay = stack.use(new PageRelay(replayed, await PageHash.make(), "outgoing"));
    const remote = stack.use(new WireRemote(peer, relay, onProgress, options));
    const pages = new DumpedPages(relay, iterationDir(workDir, 1));
    const replay = (imagesDir: string) => replayed.play(imagesDir);
    return { ...wayOf(undefined, pages, remote, stack.move()), replay };
  }
  if (!door) throw noDoor();
  const direct = stack.use(await openDirectly(parts, door));
  const remote = stack.use(new DirectRemote(peer, direct, onProgress));
  return wayOf(direct.criuEnd, remote, remote, stack.move());
}

async function openDirectly(
  { peer: { host }, options: { timeouts }, signal }: WayParts,
  { port, ticket }: DirectDoor,
): Promise<DirectChannel> {
  const bounds = {
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeouts.connectMs)]),
    silentMs: timeouts.stallMs,
  };
  try {
    return await DirectChannel.open({ host, port }, ticket, bounds);
  } catch (cause) {
    if (signal.aborted) throw new PhaulError("cancelled", "Cannot connect: cancelled", { cause });
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new PhaulError("peer-unreachable", `Cannot connect to ${host}:${port}: ${text}`, {
      cause,
      remedy: "Let the firewall pass the port that phaul serve has as --direct-port, or leave " +
        "--channel direct out",
    });
  }
}

function noDoor(): PhaulError {
  return new PhaulError(
    "destination-unfit",
    "Cannot send pages directly: the destination named no port for them",
    { remedy: "Install this phaul there too, or leave --channel direct out" },
  );
}

/** Pages that CRIU first writes down: a watchdog sees how they grow. */
class DumpedPages implements PagePath {
  readonly failed: Promise<never>;
  readonly #relay: PageRelay;
  readonly #dir: string;
  #dumpedBytes = 0;

  constructor(relay: PageRelay, dir: string) {
    this.failed = relay.failed;
    this.#relay = relay;
    this.#dir = dir;
  }

  get totalBytes(): number {
    this.#dumpedBytes = bytesIn(this.#dir) ?? this.#dumpedBytes;
    return this.#relay.totalBytes + this.#dumpedBytes;
  }

  abort(error: PhaulError): void {
    this.#relay.abort(error);
  }
}

/** Undefined when it cannot be told now: whoever watches has something else to watch, too. */
function bytesIn(dir: string): number | undefined {
  try {
    const names = Array.from(Deno.readDirSync(dir), ({ name }) => name);
    return names.reduce((sum, name) => sum + Deno.statSync(`${dir}/${name}`).size, 0);
  } catch {
    return undefined;
  }
}

function wayOf(
  memory: Fd | undefined,
  pages: PagePath,
  remote: SourceRemote,
  owned: DisposableStack,
): PageWay {
  return { ...memory ? { memory } : {}, pages, remote, [Symbol.dispose]: () => owned.dispose() };
}
