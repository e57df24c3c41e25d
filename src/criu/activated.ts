/**
 * A `criu swrk` that a service manager starts for whoever connects to a socket of its: not a child of
 * phaul, so it inherits nothing of what phaul's own service is bound by.
 *
 * @module
 */

import { PhaulError, SyscallError } from "../errors.ts";
import {
  connectUnix,
  Errno,
  type Fd,
  passCredentials,
  peekSender,
  PidFd,
  recvMessage,
  sendMessage,
} from "../sys/mod.ts";
import { REQUEST } from "./messages.ts";
import { type CriuProcess, type CriuTransport, SocketTransport } from "./transport.ts";

/** A service manager starts one in well under a second. */
const START_DEADLINE_MS = 30_000;

/**
 * Connects to the socket at `path` and waits for the criu that is started behind it.
 *
 * @throws PhaulError `criu-missing` when nobody listens there, `criu-failed` when no criu answers
 */
export async function connectSwrk(path: string): Promise<CriuTransport> {
  using owned = new DisposableStack();
  const socket = owned.use(connected(path));
  const criu = owned.use(await holdCriu(socket, path));
  owned.move();
  return new SocketTransport(criu, socket);
}

function connected(path: string): Fd {
  try {
    return connectUnix(path, "seqpacket");
  } catch (cause) {
    if (!(cause instanceof SyscallError)) throw cause;
    throw new PhaulError("criu-missing", `Cannot reach criu at "${path}": nobody listens there`, {
      remedy: "Start the socket (systemctl start phaul-criu.socket), or leave --criu-socket out",
      cause,
    });
  }
}

/** Takes hold of the criu at the other end: who listens at a socket is not who answers. */
async function holdCriu(socket: Fd, path: string): Promise<CriuProcess> {
  const signal = AbortSignal.timeout(START_DEADLINE_MS);
  passCredentials(socket, true);
  try {
    const pid = await answeringPid(socket, signal);
    if (pid !== undefined) {
      using owned = new DisposableStack();
      const pidfd = owned.use(PidFd.open(pid));
      // Had that one died and its pid been given away meanwhile, it could not answer once more.
      if (await answeringPid(socket, signal) === pid) {
        owned.move();
        return new ForeignCriu(pidfd);
      }
    }
  } catch (cause) {
    throw noAnswer(path, cause);
  } finally {
    passCredentials(socket, false);
  }
  throw noAnswer(path);
}

/** Asks for the version, as a question that any criu answers and that leaves it as it was. */
async function answeringPid(socket: Fd, signal: AbortSignal): Promise<number | undefined> {
  await sendMessage(socket, REQUEST.encode({ type: "VERSION", keepOpen: true }), [], { signal });
  const pid = await peekSender(socket, { signal });
  const message = await recvMessage(socket, { signal });
  for (const fd of message?.fds ?? []) fd.close();
  return message === null || pid === null ? undefined : pid;
}

function noAnswer(path: string, cause?: unknown): PhaulError {
  const gone = cause instanceof SyscallError &&
    (cause.errno === Errno.EPIPE || cause.errno === Errno.ECONNRESET);
  const why = cause === undefined || gone ? "it ended before it answered" : "it does not answer";
  return new PhaulError("criu-failed", `Cannot use the criu at "${path}": ${why}`, {
    remedy: "See what it said (journalctl -u 'phaul-criu@*')",
    cause,
  });
}

/** A criu that is somebody else's child: its end shows, but not how it ended. */
class ForeignCriu implements CriuProcess {
  readonly ended: Promise<string>;
  readonly #pidfd: PidFd;

  constructor(pidfd: PidFd) {
    this.#pidfd = pidfd;
    const obituary = () => `criu ended (journalctl -u 'phaul-criu@*' may say why)`;
    // Let go of before it ended, which nobody waits for then.
    this.ended = pidfd.exited().then(obituary, () => "criu was let go of");
  }

  get pid(): number {
    return this.#pidfd.pid;
  }

  /** Its children are never phaul's to end: such a criu only restores. */
  kill(): void {
    if (!this.#pidfd.closed && !this.#pidfd.dead) this.#pidfd.signal("SIGKILL");
  }

  [Symbol.dispose](): void {
    this.kill();
    this.#pidfd.close();
  }
}
