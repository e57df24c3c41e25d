/**
 * A criu of any version: `fake_criu.ts MAJOR MINOR swrk FD` answers every request with its version.
 * phaul's own messages would not do for an answer, so it is written by hand.
 */

import { Fd, recvMessage, sendMessage } from "../../../src/sys/mod.ts";

/** criu_resp: 1 type VERSION, 2 success, 10 version {1 major, 2 minor}; see criu's rpc.proto. */
const [major, minor, , fd] = Deno.args.map(Number);
const VERSION = Uint8Array.of(0x08, 10, 0x10, 1, 0x52, 4, 0x08, major ?? 0, 0x10, minor ?? 0);

using socket = Fd.own(fd ?? -1);
while (await recvMessage(socket)) await sendMessage(socket, VERSION);
