/**
 * How a source's pages get to its destination: through both phauls, or from CRIU directly.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { PhaulError } from "../errors.ts";
import { DirectChannel, type Fd, type PageChannel } from "../criu/mod.ts";
import type { DirectDoor } from "../wire/mod.ts";
import { DirectRemote } from "./direct_remote.ts";
import type { MigrateOptions } from "./options.ts";
import { PageHash } from "./page_hash.ts";
import type { Peer } from "./peer.ts";
import { type PagePath, PageRelay } from "./relay.ts";
import { type ProgressListener, type SourceRemote, WireRemote } from "./wire_remote.ts";

/** A way for pages; disposing of it ends what is open of it. */
export interface PageWay extends Disposable {
  /** CRIU's end. */
  readonly memory: Fd;
  readonly pages: PagePath;
  readonly remote: SourceRemote;
}

/** What a way is made of. */
export interface WayParts {
  readonly options: MigrateOptions;
  readonly peer: Peer;
  /** Between CRIU and the relay; stays its giver's. None where pages go directly. */
  readonly channel: PageChannel | undefined;
  /** Where they may go directly. */
  readonly door: DirectDoor | undefined;
  readonly onProgress: ProgressListener;
}

/**
 * Opens the way.
 *
 * @throws PhaulError `peer-unreachable`; `protocol` from a destination without the door it was asked for
 */
export async function openWay(parts: WayParts): Promise<PageWay> {
  const { options, peer, channel, door, onProgress } = parts;
  using stack = new DisposableStack();
  if (channel) {
    const pages = stack.use(new PageRelay(channel, await PageHash.make(), "outgoing"));
    const remote = stack.use(new WireRemote(peer, pages, onProgress, options));
    return wayOf(channel.criuEnd, pages, remote, stack.move());
  }
  if (!door) throw new PhaulError("protocol", "Cannot send pages: the destination named no port");
  const direct = stack.use(await openDirectly(options, door));
  const remote = stack.use(new DirectRemote(peer, direct));
  return wayOf(direct.criuEnd, remote, remote, stack.move());
}

async function openDirectly(
  { peer: { host }, timeouts }: MigrateOptions,
  { port, ticket }: DirectDoor,
): Promise<DirectChannel> {
  try {
    const { address } = await lookup(host);
    const signal = AbortSignal.timeout(timeouts.connectMs);
    return await DirectChannel.open({ host: address, port }, ticket, signal);
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new PhaulError("peer-unreachable", `Cannot connect to ${host}:${port}: ${text}`, {
      cause,
      remedy: "Let the firewall pass the port that phaul serve has as --direct-port, or leave " +
        "--channel direct out",
    });
  }
}

function wayOf(
  memory: Fd,
  pages: PagePath,
  remote: SourceRemote,
  owned: DisposableStack,
): PageWay {
  return { memory, pages, remote, [Symbol.dispose]: () => owned.dispose() };
}
