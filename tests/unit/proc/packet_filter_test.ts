import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import type { Connection } from "../../../src/proc/mod.ts";
import { findPacketFilter } from "../../../src/proc/mod.ts";
import { FakeTools } from "./fake_tools.ts";

const ID = "0123456789abcdef0123456789abcdef";
const FOUR: Connection = {
  localAddress: "10.0.0.1",
  localPort: 80,
  remoteAddress: "10.0.0.9",
  remotePort: 4711,
};
const SIX: Connection = {
  localAddress: "2001:db8::1",
  localPort: 80,
  remoteAddress: "2001:db8::9",
  remotePort: 4712,
};

Deno.test("findPacketFilter: nft drops both directions of each family in one transaction", async () => {
  const tools = new FakeTools({ nft: "" });
  const filter = await findPacketFilter(tools.run);
  await filter.drop(ID, [FOUR, SIX]);
  const [script = "", ...more] = tools.inputsOf("nft");
  assertEquals(more, []);
  assert(script.startsWith(`add table inet phaul-${ID}\ndelete table inet phaul-${ID}\n`), script);
  for (
    const part of [
      "elements = { 10.0.0.1 . 80 . 10.0.0.9 . 4711, 10.0.0.9 . 4711 . 10.0.0.1 . 80 }",
      "elements = { 2001:db8::1 . 80 . 2001:db8::9 . 4712, 2001:db8::9 . 4712 . 2001:db8::1 . 80 }",
      "type filter hook prerouting priority raw",
      "type filter hook output priority raw",
      "ip saddr . tcp sport . ip daddr . tcp dport @ip_connections drop",
      "ip6 saddr . tcp sport . ip6 daddr . tcp dport @ip6_connections drop",
    ]
  ) assertStringIncludes(script, part);
});

Deno.test("findPacketFilter: of one family only that is spoken, of none nothing", async () => {
  const tools = new FakeTools({ nft: "" });
  const filter = await findPacketFilter(tools.run);
  await filter.drop(ID, []);
  assertEquals(tools.inputsOf("nft"), []);
  await filter.drop(ID, [FOUR]);
  assertEquals(tools.inputsOf("nft").join().includes("ip6"), false);
});

Deno.test("findPacketFilter: nft lifts what may not be there", async () => {
  const tools = new FakeTools({ nft: "" });
  await (await findPacketFilter(tools.run)).lift(ID);
  assertEquals(tools.inputsOf("nft"), [
    `add table inet phaul-${ID}\ndelete table inet phaul-${ID}\n`,
  ]);
});

const CHAIN = "phaul-0123456789abcdef0123";

Deno.test("findPacketFilter: without nft iptables drops, in a chain of its own", async () => {
  const tools = new FakeTools({ "iptables-save": "", "iptables-restore": "" });
  const filter = await findPacketFilter(tools.run);
  await filter.drop(ID, [FOUR]);
  assertEquals(tools.calls.filter(({ stdin }) => stdin !== undefined), [{
    program: "iptables-restore",
    args: ["--noflush"],
    stdin: [
      "*raw",
      `:${CHAIN} - [0:0]`,
      `-A ${CHAIN} -p tcp -s 10.0.0.1 --sport 80 -d 10.0.0.9 --dport 4711 -j DROP`,
      `-A ${CHAIN} -p tcp -s 10.0.0.9 --sport 4711 -d 10.0.0.1 --dport 80 -j DROP`,
      `-I PREROUTING -p tcp -j ${CHAIN}`,
      `-I OUTPUT -p tcp -j ${CHAIN}`,
      "COMMIT",
      "",
    ].join("\n"),
  }]);
});

Deno.test("findPacketFilter: iptables lifts its own chain only, and only if it is there", async () => {
  const others = "-A PREROUTING -p udp -j other\n:other - [0:0]\n";
  const saved = `*raw\n:PREROUTING ACCEPT [1:2]\n:${CHAIN} - [0:0]\n${others}` +
    `-A PREROUTING -p tcp -j ${CHAIN}\n-A OUTPUT -p tcp -j ${CHAIN}\n` +
    `-A ${CHAIN} -s 10.0.0.1/32 -j DROP\nCOMMIT\n`;
  const tools = new FakeTools({ "iptables-save": saved, "iptables-restore": "" });
  await (await findPacketFilter(tools.run)).lift(ID);
  assertEquals(tools.inputsOf("iptables-restore"), [
    `*raw\n-D PREROUTING -p tcp -j ${CHAIN}\n-D OUTPUT -p tcp -j ${CHAIN}\n` +
    `-F ${CHAIN}\n-X ${CHAIN}\nCOMMIT\n`,
  ]);
  const without = new FakeTools({ "iptables-save": others, "iptables-restore": "" });
  await (await findPacketFilter(without.run)).lift(ID);
  assertEquals(without.inputsOf("iptables-restore"), []);
});

Deno.test("findPacketFilter: a host with neither is told what to install", async () => {
  const error = await assertRejects(() => findPacketFilter(new FakeTools({}).run), PhaulError);
  assertEquals(error.code, "destination-unfit");
  assertStringIncludes(error.remedy ?? "", "nftables");
});
