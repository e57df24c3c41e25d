import { assertEquals } from "@std/assert";
import { encodeMessage } from "../../../src/wire/codec.ts";
import { decodeEnvelope, encodeEnvelope } from "../../../src/wire/envelope.ts";
import { requestFields } from "../../../src/wire/message_encoders.ts";
import { thrown } from "./errors.ts";
import { begin, connections, migrationId, replies, requests, ticket } from "./samples.ts";

Deno.test("decodeEnvelope: every request and reply comes back as it was", () => {
  for (const request of requests) {
    const envelope = { type: "request", seq: 7, request } as const;
    assertEquals(decodeEnvelope(encodeEnvelope(envelope)), envelope);
  }
  for (const reply of replies) {
    const envelope = { type: "reply", seq: 4_294_967_295, reply } as const;
    assertEquals(decodeEnvelope(encodeEnvelope(envelope)), envelope);
  }
});

Deno.test("decodeEnvelope: errors and the heartbeat come back as they were", () => {
  const texts = { code: "no-space", message: "Cannot write", remedy: "", evidence: [], log: "" };
  const error = { type: "error", seq: 9, texts } as const;
  assertEquals(decodeEnvelope(encodeEnvelope(error)), error);
  assertEquals(decodeEnvelope(encodeEnvelope({ type: "ping" })), { type: "ping" });
  assertEquals(decodeEnvelope(encodeEnvelope({ type: "pong" })), { type: "pong" });
});

Deno.test("decodeEnvelope: without manage-cgroups-mode there is no such field", () => {
  const { manageCgroupsMode: _, ...restore } = begin.restore;
  const envelope = { type: "request", seq: 1, request: { ...begin, restore } } as const;
  assertEquals(decodeEnvelope(encodeEnvelope(envelope)), envelope);
});

function refused(body: string, fields: Readonly<Record<string, unknown>>, seq = 1): void {
  thrown("protocol", () => decodeEnvelope(encodeMessage("Envelope", { body, seq, fields })));
}

const good = requestFields(begin);

Deno.test("decodeEnvelope: begin is refused for each field out of bounds", () => {
  const process = { pid: 1, stopped: false, zombie: false };
  const file = { path: "/a", size: 1, kind: "FILE", mode: 0o644, appendOnly: true };
  const restore = begin.restore;
  const bad: Readonly<Record<string, unknown>>[] = [
    { migrationId: "" },
    { migrationId: migrationId.toUpperCase() },
    { migrationId: migrationId.slice(1) },
    { migrationId: `${migrationId}\n` },
    { rootPid: 0 },
    { rootPid: 2 ** 22 + 1 },
    { processes: [{ ...process, pid: 0 }] },
    { processes: Array(65_537).fill(process) },
    { criuVersion: "" },
    { criuVersion: "4.1\n" },
    { criuVersion: "4".repeat(81) },
    { arch: "" },
    { arch: "x86 64" },
    { pageSize: 0 },
    { pageSize: 2 ** 21 },
    { restore: undefined },
    { restore: { ...restore, manageCgroupsMode: 99 } },
    { restore: { ...restore, manageCgroupsMode: 0, external: ["a\0b"] } },
    { restore: { ...restore, manageCgroupsMode: 0, external: [""] } },
    { restore: { ...restore, manageCgroupsMode: 0, external: Array(1025).fill("a") } },
    { holdMode: 0 },
    { holdMode: 3 },
    { restoreMode: 0 },
    { restoreMode: 4 },
    { files: [{ ...file, path: "relative" }] },
    { files: [{ ...file, path: "/a\0" }] },
    { files: [{ ...file, path: "/" + "a".repeat(4096) }] },
    { files: [{ ...file, kind: 0 }] },
    { files: [{ ...file, kind: 77 }] },
    { files: [{ ...file, size: 2 ** 60 }] },
    { files: [{ ...file, mode: 0o10000 }] },
    { files: Array(65_537).fill(file) },
  ];
  for (const change of bad) refused("begin", { ...good, ...change });
});

Deno.test("decodeEnvelope: the other messages are refused for each field out of bounds", () => {
  const stop = { iteration: 1, pageBytes: 1, pageHash: "00".repeat(16) };
  refused("startIteration", { iteration: 0, final: false });
  refused("startIteration", { iteration: 100_001, final: false });
  refused("stopIteration", { ...stop, iteration: 0 });
  refused("stopIteration", { ...stop, pageBytes: 2 ** 54 });
  refused("stopIteration", { ...stop, pageHash: "00".repeat(15) });
  refused("stopIteration", { ...stop, pageHash: "0G".repeat(16) });
  refused("prepare", { imageCount: 1_000_001, imageBytes: 1, processes: [] });
  refused("prepare", { imageCount: 1, imageBytes: 2 ** 60, processes: [] });
  refused("prepare", { imageCount: 1, imageBytes: 1, processes: [{ pid: 0 }] });
  for (
    const change of [
      { localAddress: "" },
      { localAddress: "10.0.0.1; flush ruleset" },
      { remoteAddress: "example" },
      { remoteAddress: "1".repeat(40) },
      { localPort: 0 },
      { remotePort: 65_536 },
    ]
  ) {
    const figures = { imageCount: 1, imageBytes: 1, processes: [] };
    refused("prepare", { ...figures, connections: [{ ...connections[0], ...change }] });
  }
  refused("prepare", {
    ...{ imageCount: 1, imageBytes: 1, processes: [] },
    connections: Array(65_537).fill(connections[0]),
  });
  refused("commit", { migrationId: "x" });
  refused("abort", { migrationId: "" });
  refused("begun", { migrationId, directPort: 0, directTicket: ticket });
  refused("begun", { migrationId, directPort: 65_536, directTicket: ticket });
  refused("begun", { migrationId, directPort: 1, directTicket: ticket.subarray(1) });
  refused("iterationStopped", { pages: 2 ** 54, pageBytes: 1 });
  refused("iterationStopped", { pages: 1, pageBytes: 2 ** 54 });
  refused("iterationStarted", { pagesTicket: ticket.subarray(1) });
  refused("iterationStarted", { pagesTicket: ticket, imagesTicket: ticket.subarray(1) });
});

Deno.test("decodeEnvelope: a request or reply needs a number", () => {
  refused("commit", { migrationId }, 0);
  refused("running", {}, 0);
});

Deno.test("decodeEnvelope: an unknown body, none and garbage are refused", () => {
  const unknownTag = [0x08, 1, 0xfa, 0x07, 0]; // seq 1, field 127
  for (const bytes of [unknownTag, [], [0x08, 1], [0xff, 0xff, 0xff], [0x0b, 0x0b, 0x0b]]) {
    thrown("protocol", () => decodeEnvelope(Uint8Array.from(bytes)));
  }
});

Deno.test("decodeEnvelope: groups nested a million deep are refused, not a stack overflow", () => {
  thrown("protocol", () => decodeEnvelope(new Uint8Array(1024 * 1024).fill(0x0b)));
});

Deno.test("decodeEnvelope: what a peer says for people is cleaned and cut", () => {
  const fields = { migrationId, reason: "a\x1b[31m\nb" + "x".repeat(5000) };
  const envelope = decodeEnvelope(encodeMessage("Envelope", { body: "abort", seq: 1, fields }));
  if (envelope.type !== "request" || envelope.request.type !== "abort") throw new Error("?");
  assertEquals(envelope.request.reason.startsWith("a [31m bxxx"), true);
  assertEquals(envelope.request.reason.length, 1001);
});
