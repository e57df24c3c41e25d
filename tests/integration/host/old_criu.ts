/**
 * A criu that is older than phaul takes: `criu swrk FD` that answers every request with version 3.16.
 * phaul's own messages would not do for an answer, so it is written by hand.
 */

import { Fd, recvMessage, sendMessage } from "../../../src/sys/mod.ts";

/** criu_resp: 1 type VERSION, 2 success, 10 version {1 major 3, 2 minor 16}; see criu's rpc.proto. */
const VERSION = Uint8Array.of(0x08, 10, 0x10, 1, 0x52, 4, 0x08, 3, 0x10, 16);

using socket = Fd.own(Number(Deno.args[1]));
while (await recvMessage(socket)) await sendMessage(socket, VERSION);
