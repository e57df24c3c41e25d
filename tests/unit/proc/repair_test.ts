import { assertEquals } from "@std/assert";
import { listConnections, listTree } from "../../../src/proc/mod.ts";
import { reviveConnections, silenceConnections } from "../../../src/proc/mod.ts";
import { inRepairMode, loadLibc, PidFd } from "../../../src/sys/mod.ts";
import { eventually, TestTree } from "./children.ts";

loadLibc();

/** A tree that is connected to `listener`, and this process's end of the connection. */
async function connected(listener: Deno.TcpListener) {
  const { port } = listener.addr;
  const tree = TestTree.start([
    "bash",
    "-c",
    `exec 5<>/dev/tcp/127.0.0.1/${port}; exec sleep 1000`,
  ]);
  const conn = await listener.accept();
  // The shell moves the connection to another descriptor before it becomes something that stands still.
  await eventually(() => Deno.readTextFileSync(`/proc/${tree.pid}/comm`) === "sleep\n");
  await eventually(() => listConnections(listTree(tree.pid)).length === 1);
  return { tree, conn };
}

function repairModes(pid: number): boolean[] {
  return listConnections(listTree(pid)).map((connection) => {
    using process = PidFd.open(connection.pid);
    using socket = process.copyFd(connection.fd);
    return inRepairMode(socket);
  });
}

/** The state of the connection of this process to `port`, as /proc/net/tcp has it. */
function stateSeenBy(conn: Deno.TcpConn): string {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, "0");
  const ends = [`0100007F:${hex(conn.localAddr.port)}`, `0100007F:${hex(conn.remoteAddr.port)}`];
  const lines = Deno.readTextFileSync("/proc/net/tcp").split("\n").map((l) =>
    l.trim().split(/\s+/)
  );
  return lines.find(([, local, remote]) => local === ends[0] && remote === ends[1])?.[3] ?? "none";
}

const ESTABLISHED = "01";
const CLOSE_WAIT = "08";

Deno.test("silenceConnections, reviveConnections: switch repair mode, as often as one likes", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { tree, conn } = await connected(listener);
  using _conn = conn;
  await using _tree = tree;
  const processes = listTree(tree.pid);
  assertEquals(repairModes(tree.pid), [false]);
  for (
    const [change, expected] of [
      [silenceConnections, true],
      [silenceConnections, true],
      [reviveConnections, false],
      [reviveConnections, false],
    ] as const
  ) {
    const [connection] = change(processes);
    assertEquals(connection?.remotePort, listener.addr.port);
    assertEquals(connection?.localPort, conn.remoteAddr.port);
    assertEquals(repairModes(tree.pid), [expected]);
  }
});

Deno.test("silenceConnections: the other end does not hear of the tree's death", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  for (const [silent, expected] of [[false, CLOSE_WAIT], [true, ESTABLISHED]] as const) {
    const { tree, conn } = await connected(listener);
    using _conn = conn;
    await using _tree = tree;
    if (silent) silenceConnections(listTree(tree.pid));
    Deno.kill(tree.pid, "SIGKILL");
    await tree.ended;
    assertEquals(stateSeenBy(conn), expected);
  }
});

Deno.test("reviveConnections: a tree without a connection has none to revive", async () => {
  await using tree = TestTree.start(["sleep", "1000"]);
  await tree.until(() => true);
  assertEquals(reviveConnections(listTree(tree.pid)), []);
});
