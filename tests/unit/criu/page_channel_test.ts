import { assertEquals } from "@std/assert";
import { openPageChannel, shutdownPages } from "../../../src/criu/mod.ts";
import { loadLibc, readable } from "../../../src/sys/mod.ts";

// Loaded at first use and never unloaded, which a test would be blamed for.
loadLibc();

async function withDir(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Bit 04000 of the flags that procfs shows, in octal. */
function isNonBlocking(fd: number): boolean {
  const flags = /^flags:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`))?.[1];
  return (parseInt(flags ?? "0", 8) & 0o4000) !== 0;
}

Deno.test("openPageChannel: a blocking end for CRIU, and no socket left in the folder", () =>
  withDir(async (dir) => {
    using channel = await openPageChannel(dir);
    assertEquals(isNonBlocking(channel.criuEnd.raw), false);
    assertEquals([...Deno.readDirSync(dir)], []);
    await channel.conn.write(new Uint8Array([1]));
    await readable(channel.criuEnd);
  }));

Deno.test("openPageChannel: a path too long for a socket address is no obstacle", () =>
  withDir(async (dir) => {
    const long = `${dir}/${"x".repeat(120)}`;
    await Deno.mkdir(long);
    using channel = await openPageChannel(long);
    assertEquals(channel.criuEnd.closed, false);
  }));

Deno.test("shutdown: the other end sees the end, whoever holds this one", () =>
  withDir(async (dir) => {
    using channel = await openPageChannel(dir);
    using _held = channel.criuEnd.dup();
    channel.shutdown();
    assertEquals(await channel.conn.read(new Uint8Array(1)), null);
  }));

Deno.test("close: twice is harmless, and so is a shutdown after it", () =>
  withDir(async (dir) => {
    const channel = await openPageChannel(dir);
    channel.close();
    channel.close();
    channel.shutdown();
    shutdownPages(channel.criuEnd);
    assertEquals(channel.criuEnd.closed, true);
  }));

Deno.test("openPageChannel: a folder that is not there is an error, and nothing leaks", async () => {
  const before = [...Deno.readDirSync("/proc/self/fd")].length;
  let failed = false;
  await openPageChannel("/nowhere").catch(() => failed = true);
  assertEquals(failed, true);
  assertEquals([...Deno.readDirSync("/proc/self/fd")].length, before);
});
