import { assertEquals, assertRejects } from "@std/assert";
import { type Connection, unlockConnections } from "../../../src/proc/mod.ts";
import { FakeTools } from "./fake_tools.ts";

const OURS: Connection = {
  localAddress: "10.0.0.1",
  localPort: 80,
  remoteAddress: "10.0.0.9",
  remotePort: 4711,
};
const SIX: Connection = { ...OURS, localAddress: "2001:db8::1", remoteAddress: "2001:db8::9" };
const DEAD = { processes: [], connections: [OURS, SIX] };
const MARK = "-p tcp -m mark ! --mark 0xc114 -m tcp";
const IN = `INPUT -s 10.0.0.9/32 -d 10.0.0.1/32 ${MARK} --sport 4711 --dport 80 -j DROP`;
const OUT = `OUTPUT -s 10.0.0.1/32 -d 10.0.0.9/32 ${MARK} --sport 80 --dport 4711 -j DROP`;
const SIXTH = `INPUT -s 2001:db8::9/128 -d 2001:db8::1/128 ${MARK} --sport 4711 --dport 80 -j DROP`;
/** Of another tree's connection, of the operator, and of our connection but by no CRIU. */
const OTHERS = [
  `-A INPUT -s 10.0.0.9/32 -d 10.0.0.1/32 ${MARK} --sport 4712 --dport 80 -j DROP`,
  "-A INPUT -s 10.0.0.9/32 -d 10.0.0.1/32 -p tcp -m tcp --sport 4711 --dport 80 -j DROP",
  "-A INPUT -p tcp -j ACCEPT",
];

function saved(...rules: string[]): string {
  return ["*filter", ":INPUT ACCEPT [0:0]", ...rules, "COMMIT", ""].join("\n");
}

Deno.test("unlockConnections: takes CRIU's rules for these connections, and no other rule", async () => {
  const tools = new FakeTools({
    "iptables-save": saved(...OTHERS, `-A ${IN}`, `-A ${OUT}`),
    "iptables-restore": "",
    "ip6tables-save": saved(`-A ${SIXTH}`),
    "ip6tables-restore": "",
  });
  await unlockConnections(DEAD, tools.run);
  assertEquals(tools.inputsOf("iptables-restore"), [`*filter\n-D ${IN}\n-D ${OUT}\nCOMMIT\n`]);
  assertEquals(tools.inputsOf("ip6tables-restore"), [`*filter\n-D ${SIXTH}\nCOMMIT\n`]);
});

Deno.test("unlockConnections: changes nothing where nothing is left", async () => {
  const tools = new FakeTools({
    "iptables-save": saved(...OTHERS),
    "iptables-restore": "",
    nft: "table inet filter\n",
  });
  await unlockConnections(DEAD, tools.run);
  assertEquals(tools.inputsOf("iptables-restore"), []);
  assertEquals(tools.calls.filter(({ args }) => args.includes("delete")), []);
});

Deno.test("unlockConnections: runs nothing for a tree without connections", async () => {
  const tools = new FakeTools({ nft: "", "iptables-save": "" });
  await unlockConnections({ processes: [], connections: [] }, tools.run);
  assertEquals(tools.calls, []);
});

/** Two trees that CRIU locked by its nftables method. */
function nftOutput(args: readonly string[]): string {
  const [what, , , table] = args;
  if (what !== "list") return "";
  const of = (port: number) =>
    `\tset conns4 {\n\t\telements = { 10.0.0.1 . 80 . 10.0.0.9 . ${port},\n` +
    `\t\t\t     10.0.0.9 . ${port} . 10.0.0.1 . 80 }\n\t}\n`;
  if (table === "CRIU-77") return `table inet CRIU-77 {\n${of(4711)}}\n`;
  if (table === "CRIU-78") return `table inet CRIU-78 {\n${of(47110)}}\n`;
  return "table inet CRIU-77\ntable inet CRIU-78\ntable inet filter\n";
}

Deno.test("unlockConnections: takes CRIU's table that holds these connections, and no other", async () => {
  const tools = new FakeTools({ nft: nftOutput });
  await unlockConnections(DEAD, tools.run);
  assertEquals(
    tools.calls.filter(({ args }) => args.includes("delete")).map(({ args }) => args.join(" ")),
    ["delete table inet CRIU-77"],
  );
});

Deno.test("unlockConnections: lifts what is held back for a migration", async () => {
  const tools = new FakeTools({ nft: nftOutput });
  await unlockConnections({ processes: [], connections: [], migration: "00ff" }, tools.run);
  assertEquals(tools.inputsOf("nft"), [
    "add table inet phaul-00ff\ndelete table inet phaul-00ff\n",
  ]);
});

Deno.test("unlockConnections: goes on after a failure, and tells it", async () => {
  const tools = new FakeTools({
    "iptables-save": saved(`-A ${IN}`),
    "iptables-restore": () => {
      throw new Error("locked");
    },
    nft: nftOutput,
  });
  await assertRejects(() => unlockConnections(DEAD, tools.run), Error, "locked");
  assertEquals(tools.calls.filter(({ args }) => args.includes("delete")).length, 1);
});
