/**
 * Extended attributes.
 *
 * @module
 */

import { Errno } from "./errno.ts";
import { cString } from "./layouts.ts";
import { libc } from "./libc.ts";
import { checkExcept } from "./syscall.ts";

const MAX_NAME_BYTES = 256;
/** Gone, no such attribute, none at all on that kind of file, or not for this process to see. */
const ABSENT = [
  ...[Errno.ENOENT, Errno.ENODATA, Errno.EOPNOTSUPP, Errno.ESRCH],
  ...[Errno.EACCES, Errno.EPERM],
];

/**
 * The kernel's name of the protocol of the socket that `path` leads to (`TCP`, `UNIX`, `MPTCP`,
 * `AF_VSOCK`...), such as a link of /proc/PID/fd.
 *
 * @returns undefined when it leads to no socket, or to nothing any more
 * @throws SyscallError
 */
export function socketProtocol(path: string): string | undefined {
  const value = new Uint8Array(MAX_NAME_BYTES);
  const [file, name] = [cString(path), cString("system.sockprotoname")];
  const got = checkExcept(
    "getxattr",
    ABSENT,
    libc().getxattr(file, name, value, BigInt(value.length)),
  );
  if (typeof got !== "number") return undefined;
  return new TextDecoder().decode(value.subarray(0, got)).replace(/\0+$/, "");
}
