/**
 * The messages of a check as fields of proto/phaul.proto, and out of a peer's.
 *
 * @module
 */

import type {
  CheckedReply,
  CheckRequest,
  FindingFact,
  HostFacts,
  UserFact,
} from "./check_messages.ts";
import type { Fields } from "./fields.ts";
import { fileFields, maxFiles, maxPid, readFile } from "./file_codec.ts";
import { readMoves } from "./files_codec.ts";
import { cleanText } from "./peer_error.ts";
import { inverted, severities } from "./vocabulary.ts";

// As many processes as a tree may have, with some threads each.
const maxTasks = 262_144;
const maxUsers = 65_536;
const maxFindings = 4096;
const maxCpuinfoBytes = 64 * 1024;
const maxUid = 2 ** 32 - 1;
const maxCapabilities = 64;

const printable = /^[\x20-\x7e]+$/;
const machine = /^[a-z0-9_]+$/;
const capability = /^CAP_[A-Z_]+$/;
const code = /^[a-z][a-z-]*$/;

const severityNames = inverted(severities);

type RawFields = Readonly<Record<string, unknown>>;

/** The fields of a `check`. */
export function checkFields({ type: _, files, ...same }: CheckRequest): RawFields {
  return { ...same, files: files.map(fileFields) };
}

/** The fields of a `checked`. */
export function checkedFields({ host, findings }: CheckedReply): RawFields {
  return {
    host,
    findings: findings.map((one) => ({ ...one, severity: severities[one.severity] })),
  };
}

/** Throws PhaulError `protocol`. */
export function readCheck(fields: Fields): CheckRequest {
  return {
    type: "check",
    host: readHost(fields.inner("host")),
    pids: fields.integers("pids", maxTasks, 1, maxPid),
    ownPidNamespace: fields.flag("ownPidNamespace"),
    files: fields.list("files", maxFiles, readFile),
    users: fields.list("users", maxUsers, readUser),
    memoryBytes: fields.integer("memoryBytes", 0, Number.MAX_SAFE_INTEGER),
    ...readMoves(fields),
  };
}

/** Throws PhaulError `protocol`. */
export function readChecked(fields: Fields): CheckedReply {
  return {
    type: "checked",
    host: readHost(fields.inner("host")),
    findings: fields.list("findings", maxFindings, readFinding),
  };
}

function readHost(fields: Fields): HostFacts {
  return {
    criuVersion: fields.text("criuVersion", 80, printable),
    kernel: fields.text("kernel", 80, printable),
    arch: fields.text("arch", 20, machine),
    pageSize: fields.integer("pageSize", 4096, 1024 * 1024),
    dirtyTracking: fields.flag("dirtyTracking"),
    lazyPages: fields.flag("lazyPages"),
    timeNamespaces: fields.flag("timeNamespaces"),
    cgroupVersion: fields.integer("cgroupVersion", 1, 2),
    pidMax: fields.integer("pidMax", 1, maxPid),
    ptraceScope: fields.integer("ptraceScope", 0, 3),
    lacks: fields.texts("lacks", maxCapabilities, 40, capability),
    roomBytes: fields.integer("roomBytes", 0, Number.MAX_SAFE_INTEGER),
    clockMs: fields.integer("clockMs", 0, Number.MAX_SAFE_INTEGER),
    cpuinfo: fields.someBytes("cpuinfo", maxCpuinfoBytes),
  };
}

function readUser(fields: Fields): UserFact {
  return { uid: fields.integer("uid", 0, maxUid), name: cleanText(fields.anyText("name")) };
}

function readFinding(fields: Fields): FindingFact {
  const remedy = cleanText(fields.anyText("remedy"));
  return {
    code: fields.text("code", 40, code),
    severity: fields.choice("severity", severityNames),
    message: cleanText(fields.anyText("message")),
    ...(remedy === "" ? {} : { remedy }),
  };
}
