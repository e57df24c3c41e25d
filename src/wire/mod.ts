/**
 * The wire: connections between two phauls, their opening, control messages and image files.
 *
 * @module
 */

export { acceptConnection, type Accepted, type AcceptOptions } from "./accepting.ts";
export * from "./check_messages.ts";
export { ControlLink } from "./control_link.ts";
export type { LinkOptions, RequestHandler, RequestOptions } from "./control_link.ts";
export { dial, type DialOptions, type Security } from "./dial.ts";
export { acceptDirect, type DirectOptions } from "./direct.ts";
export * from "./files_messages.ts";
export { maxAreas } from "./files_codec.ts";
export { decodeEnvelope, encodeEnvelope } from "./envelope.ts";
export { Gate } from "./gate.ts";
export { type Identity, loadIdentity, tokenFileName } from "./identity.ts";
export { ImpatientStream } from "./impatient.ts";
export { receiveImages, sendImages } from "./image_stream.ts";
export type {
  ImageLimits,
  ImageSink,
  ImageTotals,
  OutgoingImage,
  ReceiveOptions,
} from "./image_stream.ts";
export { type LateMessage, LateStream, maxLatePages } from "./late_stream.ts";
export { listen, type ServerSecurity, type WireListener } from "./listen.ts";
export * from "./messages.ts";
export * from "./replies.ts";
export { validateImageName } from "./names.ts";
export { openControl, openData, type OpenOptions } from "./opening.ts";
export type { DataKind } from "./opening_messages.ts";
export { errorTexts, RemoteError, remoteError } from "./peer_error.ts";
export type { BlockCodec } from "./packed_block.ts";
export { type PackedOptions, PackedStream } from "./packed_stream.ts";
export { frameContentBytes, loadZstd } from "./zstd.ts";
export { PacedStream } from "./paced_stream.ts";
export { ownVersions, type VersionRange } from "./preamble.ts";
export { type Address, type ByteStream, type DialledStream, formatAddress } from "./stream.ts";
export { formatToken, type JoinToken, parseToken, readToken } from "./token.ts";
