/**
 * TCP connections that a tree would lose, or that have to move with it.
 *
 * @module
 */

import { findConnections, formatEndpoint } from "../proc/connections.ts";
import type { Descriptor } from "../proc/descriptors.ts";
import type { Finding } from "./finding.ts";

/** What becomes of connections, by the flag that was given. */
export type ConnectionPlan = "refused" | "kept" | "closed";

const REMEDIES: Readonly<Record<ConnectionPlan, string>> = {
  refused: "Add --tcp-established to keep its connections (its address must move along), or " +
    "--tcp-close to have them closed on the destination",
  kept: "Move its address to the destination between the commit and the end (docs/tcp.md)",
  closed: "It is closed on the destination",
};

/** TCP connections of the tree, also those of which it has both ends: CRIU refuses those too. */
export function findTcp(
  descriptors: readonly Descriptor[],
  plan: ConnectionPlan,
  procRoot: string,
): Finding[] {
  return findConnections(descriptors, procRoot).map((connection) => {
    const { pid, fd, localAddress, localPort, remoteAddress, remotePort } = connection;
    const local = formatEndpoint(localAddress, localPort);
    return {
      code: "tcp-connection",
      severity: plan === "refused" ? "blocker" : "note",
      message: `process ${pid} holds the TCP connection ${local} - ` +
        `${formatEndpoint(remoteAddress, remotePort)} on fd ${fd}`,
      remedy: REMEDIES[plan],
    };
  });
}
