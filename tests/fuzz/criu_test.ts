/** What CRIU answers, writes and sends: it is trusted to mean well, not to be free of defects. */

import { assert, assertEquals } from "@std/assert";
import {
  CriuError,
  CriuSession,
  excerptOf,
  forgetParentDeath,
  PageStreamParser,
  parseDumpStats,
} from "../../src/criu/mod.ts";
import { converse } from "../../src/criu/conversation.ts";
import { errorWords } from "../../src/criu/log.ts";
import { RESPONSE } from "../../src/criu/messages.ts";
import { MessageHeader } from "../../src/sys/layouts.ts";
import { FakeCriu } from "../unit/criu/fake_criu.ts";
import { Temporary } from "../unit/pages/temporary.ts";
import { corpus, testTargets } from "./fuzz.ts";

/** The corpus holds pages of so many bytes: whole ones would say nothing more. */
const PAGE_BYTES = 16;
/** msg_controllen in front of the control messages, and where both stand in a msghdr as phaul makes it. */
const CONTROLLEN_AT = 40;
const CONTROL_AT = 72;
/** The most descriptors that the kernel passes in one message. */
const MAX_FDS = 253;

/** Asks a criu for everything that it answers without a file being opened. */
async function checkResponse(input: Uint8Array): Promise<void> {
  try {
    const message = RESPONSE.decode(input);
    assertEquals(RESPONSE.decode(RESPONSE.encode(message)), message);
  } catch {
    // Not in a form to be compared: the session has to cope with it.
  }
  const questions = [
    (session: CriuSession) => session.version(),
    (session: CriuSession) => session.features(),
    (session: CriuSession) => session.waitPageServer(1),
  ];
  const outcomes = await Promise.allSettled(questions.map(async (ask) => {
    using session = new CriuSession(new FakeCriu(input));
    await ask(session);
  }));
  const failures = outcomes.flatMap((one) => one.status === "rejected" ? [one.reason] : []);
  for (const failure of failures) assert(failure instanceof CriuError, String(failure));
  // An answer to another question is refused, so at most one of them takes it.
  assert(failures.length >= questions.length - 1);
  if (failures.length === questions.length) throw failures[0];
}

/** Something in the middle of a dump: a notify, an answer, or neither. */
async function checkConversation(input: Uint8Array): Promise<void> {
  const criu = new FakeCriu(input, { type: "DUMP", success: true });
  const stages: string[] = [];
  const notify = ({ name }: { readonly name: string }) => void stages.push(name);
  await converse(criu, { request: { type: "DUMP" }, notify });
  // Each notify is answered, once.
  assertEquals(criu.asked.length, 1 + stages.length);
}

function figuresOf(parser: PageStreamParser) {
  const { pages, parentPages, zeroOrHolePages, bytes, ended, headerBytes } = parser;
  return { pages, parentPages, zeroOrHolePages, bytes, ended, headerBytes };
}

/** Whole and in pieces it must come to the same. */
function checkPageStream(input: Uint8Array): void {
  const whole = new PageStreamParser(PAGE_BYTES);
  const pieces = new PageStreamParser(PAGE_BYTES);
  let failure: unknown;
  try {
    whole.feed(input);
  } catch (error) {
    failure = error;
  }
  try {
    for (let at = 0; at < input.length; at += 5) pieces.feed(input.subarray(at, at + 5));
  } catch (error) {
    assert(failure !== undefined, "in pieces it is refused");
    throw error;
  }
  if (failure !== undefined) throw failure;
  assertEquals(figuresOf(pieces), figuresOf(whole));
  assertEquals(whole.bytes, input.length);
}

function checkStats(input: Uint8Array): void {
  for (const figure of Object.values(parseDumpStats(input))) {
    assert(typeof figure === "number" && figure >= 0, `${figure}`);
  }
}

function checkLog(input: Uint8Array): void {
  const text = new TextDecoder().decode(input);
  const { reason, lines } = excerptOf(text);
  assert(lines.length <= 20);
  for (const words of [reason, errorWords(text), ...lines]) {
    assert((words ?? "").length <= 1000);
    assert(!/[\p{Cc}\p{Zl}\p{Zp}]/u.test(words ?? ""), "it steers a terminal");
  }
}

function checkControlMessages(input: Uint8Array): void {
  const header = MessageHeader.receiving(new Uint8Array(1));
  header.bytes.set(input.subarray(0, 8), CONTROLLEN_AT);
  header.bytes.set(input.subarray(8, 8 + header.bytes.length - CONTROL_AT), CONTROL_AT);
  const fds = header.receivedFds();
  assert(fds.length <= MAX_FDS, `${fds.length} descriptors`);
}

/** The process that both images below are of, in the corpus. */
const TASK = 29_430;

/** An image of the task's, beside the other as a real CRIU wrote it. */
function forgetIn(core: Uint8Array, pstree: Uint8Array): void {
  using dir = new Temporary();
  const path = `${dir.path}/core-${TASK}.img`;
  Deno.writeFileSync(path, core);
  Deno.writeFileSync(`${dir.path}/pstree.img`, pstree);
  const forgot = forgetParentDeath(dir.path);
  const changed = [...Deno.readFileSync(path)].filter((byte, at) => byte !== core[at]);
  assertEquals(changed, forgot === undefined ? [] : [0]);
  assertEquals(forgetParentDeath(dir.path), undefined);
}

async function checkCoreImage(input: Uint8Array): Promise<void> {
  const [pstree] = await corpus("pstree-image");
  forgetIn(input, pstree ?? new Uint8Array());
}

async function checkPstreeImage(input: Uint8Array): Promise<void> {
  const [core] = await corpus("core-image");
  forgetIn(core ?? new Uint8Array(), input);
}

testTargets([
  { name: "core-image", allowed: ["protocol"], check: checkCoreImage, rounds: 600 },
  { name: "pstree-image", allowed: ["protocol"], check: checkPstreeImage, rounds: 600 },
  { name: "criu-response", allowed: ["criu-failed"], check: checkResponse },
  { name: "criu-conversation", allowed: ["criu-failed"], check: checkConversation },
  { name: "page-stream", allowed: ["page-stream"], check: checkPageStream },
  { name: "criu-stats", allowed: ["criu-failed"], check: checkStats },
  { name: "criu-log", allowed: [], check: checkLog },
  { name: "cmsg", allowed: [], check: checkControlMessages },
]);
