/**
 * A criu behind a socket: a `criu swrk` that a service manager starts for whoever connects, or the worker
 * that a `criu service` forks. It is no child of phaul, so it inherits nothing of what phaul's own service
 * is bound by.
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

/** Who listens at a socket, and what to say of it to people. */
export interface CriuListener {
  /** How it is started, and what to leave out otherwise. */
  readonly start: string;
  /** Where its criu's words are. */
  readonly words: string;
}

/** The socket of phaul's unit for systemd. */
export const ACTIVATED: CriuListener = {
  start: "Start the socket (systemctl start phaul-criu.socket), or leave --criu-socket out",
  words: "journalctl -u 'phaul-criu@*'",
};

/** The socket of a `criu service`. */
export const SERVICE: CriuListener = {
  start: "Start it (criu service --address PATH --daemon), or leave --criu-service out",
  words: "its --log-file",
};

/**
 * Connects to the socket at `path` and waits for the criu that is started behind it.
 *
 * @throws PhaulError `criu-missing` when nobody listens there, `criu-failed` when no criu answers
 */
export async function connectCriu(path: string, listener: CriuListener): Promise<CriuTransport> {
  using owned = new DisposableStack();
  const socket = owned.use(connected(path, listener));
  const criu = owned.use(await holdCriu(socket, path, listener));
  owned.move();
  return new SocketTransport(criu, socket);
}

function connected(path: string, { start: remedy }: CriuListener): Fd {
  try {
    return connectUnix(path, "seqpacket");
  } catch (cause) {
    if (!(cause instanceof SyscallError)) throw cause;
    const message = `Cannot reach criu at "${path}": nobody listens there`;
    throw new PhaulError("criu-missing", message, { remedy, cause });
  }
}

/** Takes hold of the criu at the other end: who listens at a socket is not who answers. */
async function holdCriu(
  socket: Fd,
  path: string,
  listener: CriuListener,
): Promise<CriuProcess> {
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
        return new ForeignCriu(pidfd, listener);
      }
    }
  } catch (cause) {
    throw noAnswer(path, listener, cause);
  } finally {
    passCredentials(socket, false);
  }
  throw noAnswer(path, listener);
}

/** Asks for the version, as a question that any criu answers and that leaves it as it was. */
async function answeringPid(socket: Fd, signal: AbortSignal): Promise<number | undefined> {
  await sendMessage(socket, REQUEST.encode({ type: "VERSION", keepOpen: true }), [], { signal });
  const pid = await peekSender(socket, { signal });
  const message = await recvMessage(socket, { signal });
  for (const fd of message?.fds ?? []) fd.close();
  return message === null || pid === null ? undefined : pid;
}

function noAnswer(path: string, { words }: CriuListener, cause?: unknown): PhaulError {
  const gone = cause instanceof SyscallError &&
    (cause.errno === Errno.EPIPE || cause.errno === Errno.ECONNRESET);
  const why = cause === undefined || gone ? "it ended before it answered" : "it does not answer";
  return new PhaulError("criu-failed", `Cannot use the criu at "${path}": ${why}`, {
    remedy: `See what it said (${words})`,
    cause,
  });
}

/** A criu that is somebody else's child: its end shows, but not how it ended. */
class ForeignCriu implements CriuProcess {
  readonly ended: Promise<string>;
  readonly #pidfd: PidFd;

  constructor(pidfd: PidFd, { words }: CriuListener) {
    this.#pidfd = pidfd;
    const obituary = () => `criu ended (${words} may say why)`;
    // Let go of before it ended, which nobody waits for then.
    this.ended = pidfd.exited().then(obituary, () => "criu was let go of");
  }

  get pid(): number {
    return this.#pidfd.pid;
  }

  /** Its children are never phaul's to end: such a criu forks no workers that dump. */
  kill(): void {
    if (!this.#pidfd.closed && !this.#pidfd.dead) this.#pidfd.signal("SIGKILL");
  }

  [Symbol.dispose](): void {
    this.kill();
    this.#pidfd.close();
  }
}
