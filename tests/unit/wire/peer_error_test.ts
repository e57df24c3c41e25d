import { assertEquals, assertInstanceOf } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { RemoteError } from "../../../src/wire/mod.ts";
import { cleanText, errorTexts, remoteError } from "../../../src/wire/peer_error.ts";

Deno.test("remoteError: code, message and remedy of a PhaulError survive the way", () => {
  const sent = new PhaulError("no-space", 'Cannot write "x"', { remedy: "Make room" });
  const error = remoteError(errorTexts(sent));
  assertInstanceOf(error, RemoteError);
  assertEquals([error.code, error.message, error.remedy], [sent.code, sent.message, sent.remedy]);
});

Deno.test("remoteError: an unknown code becomes peer-failed", () => {
  for (const code of ["", "no-such-code", "constructor", "__proto__"]) {
    assertEquals(
      remoteError({ code, message: "m", remedy: "", evidence: [], log: "" }).code,
      "peer-failed",
    );
  }
});

Deno.test("remoteError: a peer cannot claim that this side lost the link or cancelled", () => {
  for (const code of ["peer-lost", "peer-silent", "peer-unreachable", "cancelled", "in-doubt"]) {
    assertEquals(
      remoteError({ code, message: "m", remedy: "", evidence: [], log: "" }).code,
      "peer-failed",
    );
  }
});

Deno.test("remoteError: a peer that says nothing still gets a message, and no empty remedy", () => {
  const error = remoteError({
    code: "no-space",
    message: "\n\x00",
    remedy: " ",
    evidence: [],
    log: "",
  });
  assertEquals(error.message, "The peer failed without saying why");
  assertEquals(error.remedy, undefined);
});

Deno.test("errorTexts: an error of another class is told as internal", () => {
  assertEquals(errorTexts(new TypeError("x is not a function")).code, "internal");
});

Deno.test("cleanText: controls, line ends and text reordering become spaces", () => {
  assertEquals(cleanText("a\x1b]0;title\x07b\r\nc\u202ed\u2028e\x9bf"), "a ]0;title b c d e f");
  assertEquals(cleanText("Ünïcode \u{1f437} stays"), "Ünïcode \u{1f437} stays");
});

Deno.test("cleanText: the length is bounded", () => {
  assertEquals(cleanText("x".repeat(1_000_000)).length, 1001);
});

Deno.test("remoteError: what the peer quotes of its log is its own, and cleaned", () => {
  const evidence = { lines: ["Error: \x1b[31mno"], log: "/logs/1\n.log" };
  const texts = errorTexts(new PhaulError("restore-failed", "Cannot restore", { evidence }));
  const { evidence: read } = remoteError(texts);
  assertEquals(read, { lines: ["Error:  [31mno"], log: "/logs/1 .log", remote: true });
  assertEquals(remoteError(errorTexts(new Error("no"))).evidence, undefined);
});
