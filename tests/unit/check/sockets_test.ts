import { assert, assertArrayIncludes, assertEquals } from "@std/assert";
import { listUnixSockets, loadLibc, socketProtocol } from "../../../src/sys/mod.ts";
import { type DiagEntry, takeMessages } from "../../../src/sys/sock_diag.ts";
import { TestTree } from "../proc/children.ts";
import { eventually } from "../proc/children.ts";
import { findingsOf } from "./examine.ts";

loadLibc();

/** Deno locks a cache of its own while it starts. */
const LOCKS = { fileLocks: true };

/** A Deno that connects to `path`, with its own listener there when it is to have both ends. */
function startClient(path: string, both: boolean): TestTree {
  const listen = both ? `Deno.listen({ transport: "unix", path: "${path}" });` : "";
  const code = `${listen} await Deno.connect({ transport: "unix", path: "${path}" }); ` +
    `Deno.writeTextFileSync("${path}.done", ""); setInterval(() => {}, 1e6);`;
  return TestTree.start([Deno.execPath(), "eval", "--no-lock", code]);
}

async function foundWith(both: boolean): Promise<string[]> {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/socket`;
  const listener = both ? undefined : Deno.listen({ transport: "unix", path });
  const accepted = listener?.accept();
  await using tree = startClient(path, both);
  await eventually(() =>
    Array.from(Deno.readDirSync(dir)).some(({ name }) => name.endsWith(".done"))
  );
  const found = await findingsOf(tree.pid, LOCKS);
  (await accepted)?.close();
  listener?.close();
  await Deno.remove(dir, { recursive: true });
  return found;
}

Deno.test("examineVictim: a unix connection that leads out of the tree is a blocker", async () => {
  assertArrayIncludes(await foundWith(false), ["blocker unix-peer"]);
});

Deno.test("examineVictim: a unix connection inside the tree is none", async () => {
  const found = await foundWith(true);
  assert(!found.includes("blocker unix-peer"), found.join());
});

Deno.test("socketProtocol: the kernel's name, for sockets only", () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const names = Array.from(Deno.readDirSync("/proc/self/fd"), ({ name }) => name);
  const protocols = names.map((name) => socketProtocol(`/proc/self/fd/${name}`));
  assertArrayIncludes(protocols, ["TCP"]);
  assertEquals(socketProtocol("/etc/passwd"), undefined);
  assertEquals(socketProtocol("/nowhere"), undefined);
  listener.close();
});

Deno.test("listUnixSockets: names and peers", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/socket`;
  const listener = Deno.listen({ transport: "unix", path });
  const client = await Deno.connect({ transport: "unix", path });
  const server = await listener.accept();
  const all = listUnixSockets();
  const named = all.filter(({ name }) => name === path);
  assertEquals(named.map(({ type }) => type), ["stream", "stream"]);
  const accepted = named.find(({ peerInode }) => peerInode !== undefined);
  const peer = all.find(({ inode }) => inode === accepted?.peerInode);
  assertEquals(peer?.peerInode, accepted?.inode);
  for (const one of [client, server, listener]) one.close();
  await Deno.remove(dir, { recursive: true });
});

Deno.test("takeMessages: whatever the bytes are, it ends", () => {
  for (let length = 0; length < 200; length++) {
    const bytes = crypto.getRandomValues(new Uint8Array(length));
    const entries: DiagEntry[] = [];
    takeMessages(bytes, 16, entries);
    assert(entries.length <= length / 32);
  }
});
