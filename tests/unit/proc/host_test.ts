import { assert, assertEquals, assertRejects } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { ensureDirectory, freeBytes, isTmpfs } from "../../../src/proc/mod.ts";

async function inTemp(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function refusal(path: string, words: string): Promise<void> {
  const error = await assertRejects(() => ensureDirectory(path), PhaulError, words);
  assertEquals(error.code, "directory-unusable");
  assert(error.message.includes(`"${path}"`) && error.remedy);
}

Deno.test("ensureDirectory: makes it and its parents, private, and leaves nothing in it", async () => {
  await inTemp(async (dir) => {
    await ensureDirectory(`${dir}/a/b`);
    for (const path of [`${dir}/a`, `${dir}/a/b`]) {
      assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o700);
    }
    assertEquals([...Deno.readDirSync(`${dir}/a/b`)], []);
    await ensureDirectory(`${dir}/a/b`);
  });
});

Deno.test("ensureDirectory: refuses a symbolic link, also with a slash behind it", async () => {
  await inTemp(async (dir) => {
    await Deno.mkdir(`${dir}/real`, { mode: 0o700 });
    await Deno.symlink(`${dir}/real`, `${dir}/link`);
    await refusal(`${dir}/link`, "symbolic link");
    await refusal(`${dir}/link/`, "symbolic link");
  });
});

Deno.test("ensureDirectory: refuses a file, a directory below a file and one that others write", async () => {
  await inTemp(async (dir) => {
    await Deno.writeTextFile(`${dir}/file`, "");
    await refusal(`${dir}/file`, "not a directory");
    await refusal(`${dir}/file/below`, "Not a directory");
    await Deno.mkdir(`${dir}/open`);
    await Deno.chmod(`${dir}/open`, 0o1777);
    await refusal(`${dir}/open`, "others can write");
  });
});

Deno.test("ensureDirectory: refuses what belongs to another user, above it too", async () => {
  await inTemp(async (dir) => {
    await Deno.mkdir(`${dir}/foreign/ours`, { recursive: true, mode: 0o700 });
    await Deno.chown(`${dir}/foreign`, 12345, 12345);
    await refusal(`${dir}/foreign`, "belongs to user 12345");
    await refusal(`${dir}/foreign/ours`, "directory above belongs to user 12345");
  });
});

Deno.test("ensureDirectory: refuses a directory that cannot be written", async () => {
  // Root writes everywhere but into the kernel's own file systems.
  await refusal("/proc/self/fdinfo", "");
  await refusal("/sys/kernel/phaul", "");
});

Deno.test("isTmpfs: tells memory from disk", async () => {
  assertEquals(await isTmpfs("/dev/shm"), true);
  assertEquals(await isTmpfs("/proc"), false);
});

Deno.test("freeBytes: more than nothing, and nothing in proc", async () => {
  assert(await freeBytes("/dev/shm") > 4096);
  assertEquals(await freeBytes("/proc"), 0);
});

Deno.test("freeBytes: a path that is not there is directory-unusable", async () => {
  const error = await assertRejects(() => freeBytes("/nowhere/at/all"), PhaulError);
  assertEquals(error.code, "directory-unusable");
});
