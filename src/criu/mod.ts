/**
 * CRIU as phaul drives it. The only folder that sees CRIU's messages, images and protocols.
 *
 * @module
 */

export type { Fd } from "../sys/mod.ts";
export type { NotifyContext, NotifyHandler } from "./inquiry.ts";
export { DirectChannel } from "./direct_channel.ts";
export { CriuError, type CriuErrorDetails } from "./failure.ts";
export { forgetParentDeath } from "./parent_death.ts";
export { type CriuVersion, findCriu, hasPidfds, requireCriu } from "./find.ts";
export { imageMessage } from "./image_message.ts";
export { excerptOf, type LogExcerpt, logExcerpt } from "./log.ts";
export type { CgroupMode, CriuOptions, NetworkLock, PreDumpMode } from "./options.ts";
export { openPageChannel, type PageChannel, shutdownPages } from "./page_channel.ts";
export { PageMessages } from "./page_messages.ts";
export { CriuPageServer, type PageSink, type SinkIteration } from "./page_sink.ts";
export {
  type PageImage,
  type PageRun,
  type PageStreamListener,
  PageStreamParser,
} from "./page_stream.ts";
export { codec } from "./protobuf.ts";
export { type CriuFeatures, CriuSession, type SessionOptions } from "./session.ts";
export { type DumpStats, parseDumpStats, readDumpStats } from "./stats.ts";
export { startSwrk, type SwrkOptions } from "./swrk.ts";
export type { CriuTransport } from "./transport.ts";
