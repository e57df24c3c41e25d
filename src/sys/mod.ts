/**
 * The kernel's side of things: descriptors, sockets, messages, processes. The only folder with foreign
 * functions in it; a call returns a value or throws SyscallError.
 *
 * @module
 */

export { Child, type ExitStatus } from "./child.ts";
export { Errno, errnoName } from "./errno.ts";
export { Fd } from "./fd.ts";
export { lockFile, openFile, type OpenMode } from "./file.ts";
export { loadLibc } from "./libc.ts";
export {
  type Message,
  type MessageOptions,
  passCredentials,
  peekSender,
  recvMessage,
  sendMessage,
} from "./message.ts";
export { PidFd } from "./pidfd.ts";
export { readable, writable } from "./poller.ts";
export { inRepairMode, setRepairMode } from "./repair.ts";
export { type Signal, signalName, signalNumber } from "./signals.ts";
export { connectUnix, seqpacketPair, shutdownSocket, streamPair } from "./socket.ts";
export { spawn, type SpawnOptions } from "./spawn.ts";
