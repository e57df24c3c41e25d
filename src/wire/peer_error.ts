/**
 * Errors that a peer reports: its words are cleaned, its codes are checked.
 *
 * @module
 */

import { asPhaulError, type ErrorCode, PhaulError } from "../errors.ts";
import type { Fields } from "./fields.ts";

const maxTextLength = 1000;
const maxEvidence = 20;
const anything = /^/;

/**
 * Which codes are believed from a peer. The others say something about this side's own connection or
 * decision, which no peer may claim: a lost link is in doubt, an answer is not.
 */
const believed: Readonly<Record<ErrorCode, boolean>> = {
  "usage": true,
  "not-root": true,
  "criu-missing": true,
  "criu-too-old": true,
  "feature-missing": true,
  "no-such-process": true,
  "kernel-thread": true,
  "own-process": true,
  "terminal-job": true,
  "tcp-connection": true,
  "supervised": true,
  "process-gone": true,
  "file-missing": true,
  "file-differs": true,
  "pid-taken": true,
  "destination-unfit": true,
  "port-in-use": true,
  "directory-unusable": true,
  "no-space": true,
  "peer-unreachable": false,
  "peer-silent": false,
  "peer-lost": false,
  "peer-failed": true,
  "impostor": false,
  "wrong-token": true,
  "version-mismatch": true,
  "protocol": true,
  "criu-failed": true,
  "page-stream": true,
  "restore-failed": true,
  "stalled": true,
  "hook-failed": true,
  "probe-failed": true,
  "unhealthy": false,
  "cancelled": false,
  "in-doubt": false,
  "syscall": true,
  "internal": false,
  "file-locks": true,
  "traced": true,
  "journal-damaged": true,
  "no-such-migration": true,
  "too-late": true,
  "over-budget": true,
  "undecided": true,
  "not-forced": true,
  "busy": true,
  "external-socket": true,
  "blocked": true,
  "rsync-missing": true,
  "path-refused": true,
  "files-failed": true,
  "archive-damaged": false,
  "archive-used": false,
  "archive-exists": false,
};

/** An error as it travels. */
export interface ErrorTexts {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  /** Lines of CRIU's log about it. */
  readonly evidence: readonly string[];
  /** Where that log is kept, on the host of whoever sends this. */
  readonly log: string;
}

/** The texts of an error as the peer sent them, not yet cleaned. */
export function readErrorTexts(fields: Fields): ErrorTexts {
  return {
    code: fields.anyText("code"),
    message: fields.anyText("message"),
    remedy: fields.anyText("remedy"),
    evidence: fields.texts("evidence", maxEvidence, Infinity, anything),
    log: fields.anyText("log"),
  };
}

/** An error that the peer answered with, as against one that this side found out. */
export class RemoteError extends PhaulError {
  override readonly name = "RemoteError";
}

/** The peer's error; a code that is unknown or not a peer's to give becomes `peer-failed`. */
export function remoteError(texts: ErrorTexts): RemoteError {
  const message = cleanText(texts.message) || "The peer failed without saying why";
  const remedy = cleanText(texts.remedy);
  const lines = texts.evidence.map(cleanText);
  const log = cleanText(texts.log);
  const evidence = lines.length > 0 || log
    ? { lines, remote: true, ...(log ? { log } : {}) }
    : undefined;
  return new RemoteError(believedCode(texts.code), message, {
    ...(remedy ? { remedy } : {}),
    evidence,
  });
}

/** `error` as it travels to the peer. */
export function errorTexts(error: unknown): ErrorTexts {
  const { code, message, remedy, evidence } = asPhaulError(error);
  return {
    code,
    message: cleanText(message),
    remedy: cleanText(remedy ?? ""),
    evidence: (evidence?.lines ?? []).slice(-maxEvidence).map(cleanText),
    log: cleanText(evidence?.log ?? ""),
  };
}

function believedCode(code: string): ErrorCode {
  return isErrorCode(code) && believed[code] ? code : "peer-failed";
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(believed, code);
}

// C0 and C1 controls, line and paragraph separators, and what reorders text on a terminal.
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]+/gu;

/** `text` of a peer, fit for a terminal: one line, bounded, without anything that steers. */
export function cleanText(text: string): string {
  // Cut first: the expression must not run over a megabyte.
  const clean = text.slice(0, maxTextLength * 2).replace(unprintable, " ").trim();
  return clean.length > maxTextLength ? `${clean.slice(0, maxTextLength)}…` : clean;
}
