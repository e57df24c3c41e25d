import { assertEquals } from "@std/assert";
import { checkProof, makeNonce, makeProof } from "../../../src/wire/proof.ts";

const secret = new Uint8Array(32).fill(7);
const subject = {
  version: 1,
  kind: "control",
  sourceNonce: new Uint8Array(32).fill(1),
  destinationNonce: new Uint8Array(32).fill(2),
};

Deno.test("checkProof: accepts the prover's own proof", () => {
  for (const prover of ["source", "destination"] as const) {
    assertEquals(checkProof(makeProof(secret, prover, subject), secret, prover, subject), true);
  }
});

Deno.test("checkProof: a proof for anything else is refused", () => {
  const other = new Uint8Array(32).fill(9);
  const proofs = [
    makeProof(secret, "destination", subject),
    makeProof(other, "source", subject),
    makeProof(secret, "source", { ...subject, version: 2 }),
    makeProof(secret, "source", { ...subject, kind: "pages" }),
    makeProof(secret, "source", { ...subject, sourceNonce: other }),
    makeProof(secret, "source", { ...subject, destinationNonce: other }),
    makeProof(secret, "source", subject).subarray(1),
    new Uint8Array(),
    new Uint8Array(32),
  ];
  for (const proof of proofs) {
    assertEquals(checkProof(proof, secret, "source", subject), false);
  }
});

Deno.test("makeProof: is the HMAC-SHA-256 that docs/protocol.md describes", async () => {
  const key = await crypto.subtle.importKey(
    "raw",
    secret,
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const label = new TextEncoder().encode("phaul proof\n1\nsource\ncontrol\n");
  const text = Uint8Array.from([...label, ...subject.sourceNonce, ...subject.destinationNonce]);
  const expected = new Uint8Array(await crypto.subtle.sign("HMAC", key, text));
  assertEquals(makeProof(secret, "source", subject), expected);
});

Deno.test("makeNonce: 32 bytes, never the same", () => {
  const nonces = Array.from({ length: 50 }, () => makeNonce());
  assertEquals(new Set(nonces.map(String)).size, 50);
  assertEquals(nonces.every((nonce) => nonce.length === 32), true);
});
