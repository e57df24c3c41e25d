/**
 * The destination's self-signed certificate.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/** The name in each certificate. It says nothing: the certificate is pinned, not the name. */
export const certificateName = "phaul";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** A new certificate (DER) and its private key (PKCS #8, PEM). */
export async function makeCertificate(): Promise<{ certificate: Uint8Array; keyPem: string }> {
  // Loaded here only: most runs of phaul never make a certificate. The order matters to x509.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=${certificateName}`,
    // For ever: the clocks of two hosts may differ by years (a guest without one starts in 1970).
    notBefore: new Date("1970-01-01T00:00:00Z"),
    notAfter: new Date("9999-12-31T23:59:59Z"),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      // Not a CA: rustls refuses a CA certificate as a server's own.
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.SubjectAlternativeNameExtension([{ type: "dns", value: certificateName }]),
    ],
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    certificate: new Uint8Array(certificate.rawData),
    keyPem: pem("PRIVATE KEY", new Uint8Array(key)),
  };
}

/** SHA-256 of a certificate (DER), 32 bytes. */
export function certificateSha256(certificate: Uint8Array): Uint8Array {
  return Uint8Array.from(createHash("sha256").update(certificate).digest());
}

/** A certificate (DER) as PEM. */
export function certificatePem(certificate: Uint8Array): string {
  return pem("CERTIFICATE", certificate);
}

function pem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der).toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** Positive and without a leading zero octet, as DER wants its integers. */
function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0] ?? 0) & 0x7f | 0x40;
  return Buffer.from(bytes).toString("hex");
}
