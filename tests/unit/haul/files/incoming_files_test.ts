/** A source that holds the token and means no good, with the real rsync at both ends. */

import { assertEquals, assertRejects } from "@std/assert";
import { PhaulError } from "../../../../src/errors.ts";
import { IncomingFiles } from "../../../../src/haul/files/incoming_files.ts";
import { RsyncClient } from "../../../../src/haul/files/rsync_client.ts";
import { type TargetPolicy } from "../../../../src/haul/files/targets.ts";
import { TicketBook } from "../../../../src/haul/tickets.ts";
import { loadLibc } from "../../../../src/sys/mod.ts";
import type { FileMoves } from "../../../../src/wire/mod.ts";
import { memoryPair } from "../../wire/memory_stream.ts";

loadLibc();

const MIGRATION = "0123456789abcdef0123456789abcdef";

interface Ground {
  /** What nobody may write to. */
  readonly outside: string;
  /** Where files may go. */
  readonly allowed: string;
  /** The source's own files. */
  readonly source: string;
  admit(moves: Partial<FileMoves>): Promise<IncomingFiles>;
  /** Runs the source's rsync into an area. */
  send(files: IncomingFiles, area: number, to: string, ...options: string[]): Promise<unknown>;
}

async function withGround(use: (ground: Ground) => Promise<void>): Promise<void> {
  const dir = await Deno.realPath(await Deno.makeTempDir());
  const [outside, allowed, source, state] = ["outside", "allowed", "source", "state"].map((name) =>
    `${dir}/${name}`
  ) as [string, string, string, string];
  for (const path of [outside, allowed, source, state]) await Deno.mkdir(path, { mode: 0o755 });
  await Deno.writeTextFile(`${outside}/secret`, "as it was");
  await Deno.writeTextFile(`${source}/file`, "evil");
  const book = new TicketBook();
  const policy: TargetPolicy = { allowed: [allowed], own: [state], stateDir: state };
  const bounds = { keepFreeBytes: 0, stallMs: 30_000, durable: false };
  const ground: Ground = {
    ...{ outside, allowed, source },
    async admit(moves) {
      const all = { trees: [], open: false, overwrite: false, ...moves };
      const parts = { migration: MIGRATION, moves: all, policy, tickets: book.office(), ...bounds };
      return await IncomingFiles.admit(parts);
    },
    async send(files, area, to, ...options) {
      const connect = async () => {
        const reply = await files.answer({ type: "sync-files", area }, "receiving");
        if (reply.type !== "files-ticket") throw new Error(reply.type);
        book.redeem(reply.ticket, "files");
        const [mine, theirs] = memoryPair();
        book.deliver(reply.ticket, theirs);
        return mine;
      };
      const run = { from: `${source}/`, to, options, workDir: dir, stallMs: 30_000, connect };
      const signal = new AbortController().signal;
      return await RsyncClient.start({ ...run, onBytes: () => {}, signal }).go(true)
        .catch((error) => error);
    },
  };
  try {
    await use(ground);
    assertEquals(await Deno.readTextFile(`${outside}/secret`), "as it was");
    assertEquals([...Deno.readDirSync(outside)].length, 1, "something came outside");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  const error: PhaulError = await assertRejects(work, PhaulError);
  return error.code;
}

Deno.test("IncomingFiles: no path leads out of what is allowed", async () => {
  await withGround(async ({ admit, allowed, outside }) => {
    await Deno.symlink(outside, `${allowed}/link`);
    const odd = [
      "/",
      `${allowed}/../outside/x`,
      `${allowed}/./x`,
      `${allowed}//x`,
      `${allowed}/x/`,
    ];
    for (const target of [...odd, outside, `${allowed}-not`, `${allowed}/link/x`, "/proc/1/x"]) {
      const admitted = () => admit({ trees: [{ path: "/x", target }] });
      assertEquals(await codeOf(admitted), "path-refused", target);
    }
    const twice = [`${allowed}/a`, `${allowed}/a/b`].map((target) => ({ path: "/x", target }));
    assertEquals(await codeOf(() => admit({ trees: twice })), "path-refused");
  });
});

Deno.test("IncomingFiles: rsync writes nowhere but to its own directory, whatever it is sent", async () => {
  await withGround(async ({ admit, send, allowed, outside, source }) => {
    const tree = { path: source, target: `${allowed}/tree` };
    using files = await admit({ trees: [tree] });
    await send(files, 0, `../../../..${outside}/`);
    await send(files, 0, `${outside}/`);
    await Deno.symlink(outside, `${source}/way`);
    await send(files, 0, "tree/");
    await send(files, 0, "tree/way/");
    await send(files, 0, "tree/way/../../../../../");
    await send(files, 0, "tree/", `--backup-dir=${outside}`, "--backup", "--ignore-times");
    await send(files, 0, "tree/", `--temp-dir=${outside}`, "--ignore-times", "--no-inplace");
    await send(files, 0, "tree/", `--remote-option=--log-file=${outside}/log`, "--ignore-times");
    await files.place();
    // What a link in it says is the tree's own matter: it is not followed.
    assertEquals(await Deno.readLink(`${allowed}/tree/way`), outside);
    await files.undo();
    assertEquals([...Deno.readDirSync(allowed)], []);
  });
});

Deno.test("IncomingFiles: a link in place of the directory itself is not put in place", async () => {
  await withGround(async ({ admit, send, allowed, outside, source }) => {
    using files = await admit({ trees: [{ path: source, target: `${allowed}/tree` }] });
    await Deno.symlink(outside, `${source}/tree`);
    await send(files, 0, "", "--delete", "--force");
    assertEquals(await codeOf(() => files.place()), "protocol");
    await files.undo();
    assertEquals([...Deno.readDirSync(allowed)], []);
  });
});

Deno.test("IncomingFiles: of open files only what was wanted is put in place, as what it was offered", async () => {
  await withGround(async ({ admit, send, allowed, outside, source }) => {
    using files = await admit({ open: true });
    const offer = (path: string) => ({
      type: "offer-files" as const,
      files: [{ path, size: 4, kind: "file" as const, mode: 0o600, appendOnly: false }],
    });
    const place = `${allowed}/a`.slice(1);
    assertEquals(await files.answer(offer(`/${place}/file`), "receiving"), {
      type: "files-wanted",
      areas: [1],
    });
    for (const path of [`${outside}/secret`, `${outside}/../x`, "/proc/x"]) {
      await codeOf(() => files.answer(offer(path), "receiving"));
    }
    await Deno.mkdir(`${source}/${place}`, { recursive: true });
    await Deno.writeTextFile(`${source}/${place}/file`, "good");
    await Deno.writeTextFile(`${source}/${place}/unwanted`, "evil");
    await Deno.symlink(outside, `${source}/${place}/link`);
    await send(files, 0, "");
    await files.place();
    assertEquals([...Deno.readDirSync(`/${place}`)].map(({ name }) => name), ["file"]);
    await files.undo();

    using others = await admit({ open: true });
    await others.answer(offer(`/${place}/file`), "receiving");
    await Deno.remove(`${source}/${place}`, { recursive: true });
    await Deno.symlink(outside, `${source}/${place}`);
    await send(others, 0, "");
    assertEquals(await codeOf(() => others.place()), "files-failed");
    await others.undo();
    assertEquals([...Deno.readDirSync(allowed)], []);
  });
});

Deno.test("IncomingFiles: nothing comes out of turn, unannounced, or when it was given up", async () => {
  await withGround(async ({ admit, allowed, source }) => {
    using files = await admit({ trees: [{ path: source, target: `${allowed}/tree` }] });
    const sync = { type: "sync-files", area: 0 } as const;
    const offer = { type: "offer-files", files: [] } as const;
    for (const state of ["restoring", "prepared", "running", "discarding"] as const) {
      assertEquals(await codeOf(() => files.answer(sync, state)), "protocol");
    }
    assertEquals(await codeOf(() => files.answer({ ...sync, area: 1 }, "receiving")), "protocol");
    const file = { path: "/x", size: 0, kind: "file", mode: 0, appendOnly: false } as const;
    const open = () => files.answer({ ...offer, files: [file] }, "receiving");
    assertEquals(await codeOf(open), "protocol");
    const again = () => admit({ trees: [{ path: source, target: `${allowed}/tree` }] });
    assertEquals(await codeOf(again), "busy");
    await files.undo();
    assertEquals(await codeOf(() => files.answer(sync, "receiving")), "cancelled");
  });
});
