/**
 * A TLS 1.2 server up to its ServerHelloDone, made by hand: it can show a certificate and sign the
 * handshake with another key, which no real library does.
 */

import { createPrivateKey, createSign } from "node:crypto";

const handshakeRecord = 22;

/** How the client went on: an alert (21), or with its key exchange (22); null when it hung up. */
export async function showCertificate(
  connection: Deno.Conn,
  certificate: Uint8Array,
  keyPem: string,
): Promise<number | null> {
  const hello = await readRecord(connection);
  if (!hello) return null;
  // A ClientHello's random lies behind its type, length and version.
  const clientRandom = hello.content.subarray(6, 38);
  const serverRandom = crypto.getRandomValues(new Uint8Array(32));
  // named_curve, x25519, 32 bytes of public key
  const parameters = [3, 0, 29, 32, ...crypto.getRandomValues(new Uint8Array(32))];
  const signature = createSign("sha256")
    .update(Uint8Array.from([...clientRandom, ...serverRandom, ...parameters]))
    .sign(createPrivateKey(keyPem));
  const messages = [
    // Version, random, no session, ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, no compression
    ...message(2, [3, 3, ...serverRandom, 0, 0xc0, 0x2b, 0]),
    ...message(11, sized(3, sized(3, [...certificate]))),
    // Signed by ecdsa_secp256r1_sha256
    ...message(12, [...parameters, 4, 3, ...sized(2, [...signature])]),
    ...message(14, []),
  ];
  await connection.write(Uint8Array.from([handshakeRecord, 3, 3, ...sized(2, messages)]));
  return (await readRecord(connection))?.type ?? null;
}

async function readRecord(connection: Deno.Conn) {
  const header = await readBytes(connection, 5);
  if (!header) return null;
  const [type = 0, , , high = 0, low = 0] = header;
  const content = await readBytes(connection, high << 8 | low);
  return content && { type, content };
}

async function readBytes(connection: Deno.Conn, length: number): Promise<Uint8Array | null> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const count = await connection.read(bytes.subarray(filled));
    if (count === null) return null;
    filled += count;
  }
  return bytes;
}

function message(type: number, content: number[]): number[] {
  return [type, ...sized(3, content)];
}

/** `content` behind its length in `width` octets. */
function sized(width: number, content: number[]): number[] {
  const length = Array.from(
    { length: width },
    (_, i) => content.length >> 8 * (width - 1 - i) & 255,
  );
  return [...length, ...content];
}
