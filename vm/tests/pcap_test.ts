import { assertEquals, assertRejects } from "@std/assert";
import { PcapFollower } from "../pcap.ts";

const HEADER = "d4c3b2a1 02000400 00000000 00000000 00000200 01000000";
/** 10.9.0.1:7000 to 10.9.0.254:9000, payload "tick". */
const DATAGRAM = "020000000 9fe 020000000901 0800" +
  "4500 0020 0000 4000 40 11 0000 0a090001 0a0900fe" + "1b58 2328 000c 0000 7469636b";
const ARP = "ffffffffffff 020000000901 0806 0001 0800 0604 0001";

function bytes(hex: string): Uint8Array {
  return Uint8Array.fromHex(hex.replaceAll(" ", ""));
}

/** A record with its header: 3 s and 250000 us. */
function record(frame: string): Uint8Array {
  const data = bytes(frame);
  const length = data.length.toString(16).padStart(2, "0") + "000000";
  return new Uint8Array([...bytes(`03000000 90d00300 ${length} ${length}`), ...data]);
}

async function withFile(body: (path: string, add: (b: Uint8Array) => void) => Promise<void>) {
  const path = await Deno.makeTempFile();
  try {
    await body(path, (data) => Deno.writeFileSync(path, data, { append: true }));
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("PcapFollower.next: datagrams with sender, port, time and payload; no others", async () => {
  await withFile(async (path, add) => {
    add(bytes(HEADER));
    add(record(ARP));
    add(record(DATAGRAM));
    const [datagram, ...rest] = await new PcapFollower(path).next();
    assertEquals(rest, []);
    assertEquals(datagram?.source, "10.9.0.1");
    assertEquals(datagram?.destinationPort, 9000);
    assertEquals(datagram?.timeMs, 3250);
    assertEquals(new TextDecoder().decode(datagram?.payload), "tick");
  });
});

Deno.test("PcapFollower.next: a record cut anywhere is taken once, when it is whole", async () => {
  await withFile(async (path, add) => {
    const whole = new Uint8Array([...bytes(HEADER), ...record(DATAGRAM), ...record(DATAGRAM)]);
    const follower = new PcapFollower(path);
    let found = 0;
    for (const byte of whole) {
      add(new Uint8Array([byte]));
      found += (await follower.next()).length;
    }
    assertEquals(found, 2);
  });
});

Deno.test("PcapFollower.next: a file that is not there yet holds nothing", async () => {
  assertEquals(await new PcapFollower("/nonexistent/capture").next(), []);
});

Deno.test("PcapFollower.next: refuses another format", async () => {
  await withFile(async (path, add) => {
    add(new Uint8Array(24));
    await assertRejects(() => new PcapFollower(path).next(), Error, "not a pcap file");
  });
});
