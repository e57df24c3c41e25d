import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { listenForTasks } from "../../../src/pages/lazy_socket.ts";
import {
  connectUnix,
  type Fd,
  loadLibc,
  openFile,
  streamPair,
  trySendMessage,
  writeAll,
} from "../../../src/sys/mod.ts";
import { fdTarget } from "../sys/helpers.ts";
import { Temporary } from "./temporary.ts";

loadLibc();

const RESTORED = 0x52535446;

/** What a restoring CRIU does. */
class FakeCriu implements Disposable {
  readonly socket: Fd;

  constructor(dir: string) {
    this.socket = connectUnix(`${dir}/lazy-pages.socket`);
  }

  word(value: number): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setInt32(0, value, true);
    writeAll(this.socket, bytes);
  }

  descriptors(...fds: readonly Fd[]): void {
    trySendMessage(this.socket, new Uint8Array(1), fds);
  }

  task(pid: number, path: string): void {
    this.word(pid);
    using file = openFile(path, "read");
    this.descriptors(file);
  }

  [Symbol.dispose](): void {
    this.socket.close();
  }
}

/** Writes down what it is told. */
function recorder() {
  const told: string[] = [];
  return {
    told,
    task: (pid: number, uffd: Fd) => {
      told.push(`${pid} ${fdTarget(uffd.raw)}`);
      uffd.close();
      return Promise.resolve();
    },
    restored: () => Promise.resolve(void told.push("restored")),
  };
}

/** How it ends after `act`, and what was told until then. */
async function listened(act: (criu: FakeCriu) => void): Promise<string[]> {
  using dir = new Temporary();
  const listener = recorder();
  const listening = listenForTasks(dir.path, listener, new AbortController().signal);
  {
    using criu = new FakeCriu(dir.path);
    act(criu);
  }
  await listening;
  return listener.told;
}

Deno.test("listenForTasks: hands each task's descriptor on, and the end", async () => {
  const told = await listened((criu) => {
    criu.task(4711, "/dev/null");
    criu.task(4712, "/dev/zero");
    criu.word(RESTORED);
  });
  assertEquals(told, ["4711 /dev/null", "4712 /dev/zero", "restored"]);
});

Deno.test("listenForTasks: a zombie has no memory, and no descriptor follows", async () => {
  const told = await listened((criu) => {
    criu.word(-4710);
    criu.task(4711, "/dev/null");
    criu.word(-4712);
    criu.word(RESTORED);
  });
  assertEquals(told, ["4711 /dev/null", "restored"]);
});

Deno.test("listenForTasks: a descriptor too many is closed", async () => {
  const [one, other] = streamPair();
  using ours = one;
  const told = await listened((criu) => {
    criu.word(4711);
    using file = openFile("/dev/null", "read");
    using given = other;
    criu.descriptors(file, given);
    criu.word(RESTORED);
  });
  assertEquals(told, ["4711 /dev/null", "restored"]);
  // Nobody holds the other end: writing to it says so.
  let errno: unknown;
  try {
    trySendMessage(ours, new Uint8Array(1));
  } catch (error) {
    errno = error;
  }
  assertMatch(String(errno), /EPIPE/);
});

Deno.test("listenForTasks: a CRIU that breaks off anywhere has failed", async () => {
  const ends: ((criu: FakeCriu) => void)[] = [
    () => {},
    (criu) => writeAll(criu.socket, new Uint8Array(2)),
    (criu) => criu.word(4711),
    (criu) => criu.task(4711, "/dev/null"),
  ];
  for (const act of ends) {
    const error = await assertRejects(() => listened(act), PhaulError);
    assertEquals(error.code, "criu-failed");
    assertMatch(error.message, /it closed the connection/);
  }
});

Deno.test("listenForTasks: a task without a descriptor has failed", async () => {
  const error = await assertRejects(() =>
    listened((criu) => {
      criu.word(4711);
      writeAll(criu.socket, new Uint8Array(1));
    }), PhaulError);
  assertEquals([error.code, /no descriptor/.test(error.message)], ["criu-failed", true]);
});

Deno.test("listenForTasks: ends with its signal, connected or not", async () => {
  for (const connects of [false, true]) {
    using dir = new Temporary();
    const controller = new AbortController();
    const listening = listenForTasks(dir.path, recorder(), controller.signal);
    const waiting = assertRejects(() => listening, Error, "enough");
    using _criu = connects ? new FakeCriu(dir.path) : undefined;
    controller.abort(new Error("enough"));
    await waiting;
  }
});

Deno.test("listenForTasks: the path of its folder may be longer than a socket's address", async () => {
  using dir = new Temporary();
  const long = dir.sub("a".repeat(150));
  const listener = recorder();
  const listening = listenForTasks(long, listener, new AbortController().signal);
  using folder = openFile(long, "path");
  using criu = new FakeCriu(`/proc/self/fd/${folder.raw}`);
  criu.word(RESTORED);
  await listening;
  assertEquals(listener.told, ["restored"]);
});
