import { assertEquals, assertThrows } from "@std/assert";
import { REQUEST } from "../../../src/criu/messages.ts";
import { OpenedOptions } from "../../../src/criu/options.ts";
import { SyscallError } from "../../../src/errors.ts";
import { loadLibc, streamPair } from "../../../src/sys/mod.ts";

// Loaded at first use and never unloaded, which a test would be blamed for.
loadLibc();

const DEFAULTS = { notify: false, logFile: "dump.log" };

function inDir(use: (dir: string) => void): void {
  const dir = Deno.makeTempDirSync();
  try {
    use(dir);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

type WireValue = bigint | string | Map<number, WireValue>;

/** The fields of a protobuf message by number, decoded without protobufjs; `messages` are submessages. */
function wireFields(bytes: Uint8Array, messages: readonly number[]): Map<number, WireValue> {
  const fields = new Map<number, WireValue>();
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n;; shift += 7n) {
      const byte = bytes[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    if ((key & 7) === 0) {
      fields.set(key >> 3, varint());
      continue;
    }
    const length = Number(varint());
    const part = bytes.subarray(at, at += length);
    const isMessage = messages.includes(key >> 3);
    fields.set(key >> 3, isMessage ? wireFields(part, [11]) : new TextDecoder().decode(part));
  }
  return fields;
}

Deno.test("OpenedOptions: every option travels under CRIU's field number", () =>
  inDir((dir) => {
    const [socket, other] = streamPair();
    using _socket = socket;
    using _other = other;
    using opened = new OpenedOptions({
      imagesDir: dir,
      pid: 4711,
      leaveRunning: true,
      extUnixSk: true,
      tcpEstablished: true,
      evasiveDevices: true,
      shellJob: true,
      fileLocks: true,
      logLevel: 4,
      logFile: "a.log",
      pageServerFd: socket,
      parentImg: "../1",
      trackMem: true,
      autoDedup: true,
      linkRemap: true,
      rstSibling: true,
      manageCgroupsMode: "strict",
      ghostLimit: 2 ** 20,
      external: ["mnt[a]:b"],
      timeout: 30,
      leaveStopped: true,
      tcpClose: true,
      preDumpMode: "read",
      networkLock: "skip",
    }, { notify: true, logFile: "dump.log" });
    const bytes = REQUEST.encode({ type: "DUMP", opts: opened.message });
    const opts = wireFields(bytes, [2]).get(2);
    if (!(opts instanceof Map)) throw new Error("no options");
    const { imagesDirFd, workDirFd = -1 } = opened.message;
    const numbers = Object.fromEntries(opts);
    assertEquals(numbers, {
      1: BigInt(imagesDirFd),
      2: 4711n,
      3: 1n,
      4: 1n,
      5: 1n,
      6: 1n,
      7: 1n,
      8: 1n,
      9: 4n,
      10: "a.log",
      11: new Map([[4, BigInt(socket.raw)]]),
      12: 1n,
      14: "../1",
      15: 1n,
      16: 1n,
      17: BigInt(workDirFd),
      18: 1n,
      26: 1n,
      34: 5n,
      35: 2n ** 20n,
      37: "mnt[a]:b",
      45: 30n,
      51: `${Deno.realPathSync(dir)}/criu.conf`,
      52: 1n,
      61: 2n,
      64: 3n,
    });
  }));

Deno.test("OpenedOptions: what is left out does not travel", () =>
  inDir((dir) => {
    using opened = new OpenedOptions({ imagesDir: dir }, DEFAULTS);
    const bytes = REQUEST.encode({ type: "RESTORE", opts: opened.message });
    const opts = wireFields(bytes, [2]).get(2);
    if (!(opts instanceof Map)) throw new Error("no options");
    assertEquals([...opts.keys()].filter((n) => n !== 12).toSorted((a, b) => a - b), [
      1,
      9,
      10,
      17,
    ]);
  }));

Deno.test("OpenedOptions: a lazy dump over a page channel is told by a file, a restore is not", () =>
  inDir((dir) => {
    const [socket, other] = streamPair();
    using _socket = socket;
    using _other = other;
    const lazy = { imagesDir: dir, lazyPages: true };
    {
      using opened = new OpenedOptions({ ...lazy, pageServerFd: socket }, DEFAULTS);
      const { configFile = "", ps, lazyPages } = opened.message;
      const lines = `lazy-pages\npage-server\nps-socket ${socket.raw}\n`;
      assertEquals(Deno.readTextFileSync(configFile), lines);
      assertEquals([ps, lazyPages], [undefined, undefined]);
    }
    using opened = new OpenedOptions(lazy, DEFAULTS);
    const { configFile, lazyPages } = opened.message;
    assertEquals([configFile, lazyPages], [undefined, true]);
  }));

Deno.test("OpenedOptions: leaveStopped is told by a file, from a relative work dir too", () =>
  inDir((dir) => {
    const before = Deno.cwd();
    Deno.chdir(dir);
    try {
      Deno.mkdirSync("work");
      using opened = new OpenedOptions(
        { imagesDir: dir, workDir: "work", leaveStopped: true },
        DEFAULTS,
      );
      const { configFile = "" } = opened.message;
      assertEquals(configFile, `${Deno.realPathSync(dir)}/work/criu.conf`);
      assertEquals(Deno.readTextFileSync(configFile), "leave-stopped\n");
    } finally {
      Deno.chdir(before);
    }
  }));

Deno.test("OpenedOptions: a criu of another mount namespace gets the work dir by its path", () =>
  inDir((dir) => {
    const config = (workDir: string) => {
      Deno.mkdirSync(workDir, { recursive: true });
      const options = { imagesDir: dir, workDir, leaveStopped: true };
      using opened = new OpenedOptions(options, { ...DEFAULTS, foreign: true });
      return Deno.readTextFileSync(opened.message.configFile ?? "");
    };
    const plain = `${Deno.realPathSync(dir)}/work`;
    assertEquals(config(plain), `leave-stopped\nwork-dir ${plain}\n`);
    assertEquals(config(`${dir}/two words`), "leave-stopped\n");
  }));

Deno.test("OpenedOptions: descriptors are open until disposed of", () =>
  inDir((dir) => {
    const count = () => [...Deno.readDirSync("/proc/self/fd")].length;
    const before = count();
    {
      using opened = new OpenedOptions({ imagesDir: dir }, DEFAULTS);
      const target = Deno.readLinkSync(`/proc/self/fd/${opened.message.imagesDirFd}`);
      assertEquals(target, Deno.realPathSync(dir));
      assertEquals(count(), before + 2);
    }
    assertEquals(count(), before);
    const options = { imagesDir: dir, workDir: `${dir}/missing` };
    assertThrows(() => new OpenedOptions(options, DEFAULTS), SyscallError);
    assertEquals(count(), before);
  }));
