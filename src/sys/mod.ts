/**
 * The kernel's side of things: descriptors, sockets, messages, processes. The only folder with foreign
 * functions in it; a call returns a value or throws SyscallError.
 *
 * @module
 */

export { Child, type ExitStatus } from "./child.ts";
export { makeDirectory, openDirectory, removeName, renameNew } from "./directory.ts";
export { Errno, errnoName } from "./errno.ts";
export { Fd } from "./fd.ts";
export { lockFile, openFile, type OpenMode, writeAll } from "./file.ts";
export { loadLibc } from "./libc.ts";
export {
  growSendBuffer,
  type Message,
  type MessageOptions,
  passCredentials,
  peekSender,
  recvBytes,
  recvMessage,
  sendMessage,
  takeMessage,
  trySendMessage,
} from "./message.ts";
export { Mapping, setLength } from "./mapping.ts";
export { PidFd } from "./pidfd.ts";
export { readable, writable } from "./poller.ts";
export { inRepairMode, setRepairMode } from "./repair.ts";
export { type Signal, signalName, signalNumber } from "./signals.ts";
export {
  acceptUnix,
  connectUnix,
  listenUnix,
  seqpacketPair,
  shutdownSocket,
  streamPair,
} from "./socket.ts";
export { spawn, type SpawnOptions } from "./spawn.ts";
export { lastSemaphoreUser } from "./sysv.ts";
export { acknowledgedBytes, connectTcp, pushTcp, type TcpBounds } from "./tcp.ts";
export { listNetlinkSockets, type NetlinkSocket } from "./netlink_diag.ts";
export { listUnixSockets, type UnixSocket } from "./unix_diag.ts";
export {
  decodeUffdEvent,
  fillFrom,
  type Filling,
  fillWithZeros,
  readableAmong,
  readUffdEvent,
  UFFD_EVENT_BYTES,
  type UffdEvent,
  unregister,
  wake,
} from "./uffd.ts";
export { socketProtocol } from "./xattr.ts";
