/**
 * Requests and replies out of a peer's fields; every field is checked.
 *
 * @module
 */

import { readCheck, readChecked } from "./check_codec.ts";
import type { Fields } from "./fields.ts";
import { readArea, readMoves, readWanted } from "./files_codec.ts";
import { maxFiles, maxPathLength, maxPid, readFile } from "./file_codec.ts";
import type {
  BeginRequest,
  Connection,
  PackingTerms,
  ProcessSummary,
  Request,
  RestoreOptions,
  StopIterationRequest,
} from "./messages.ts";
import { cleanText, readErrorTexts } from "./peer_error.ts";
import {
  type BegunReply,
  maxProbeMs,
  maxSteps,
  type Reply,
  type Standing,
  type Step,
  ticketBytes,
} from "./replies.ts";
import { cgroupsModes, holdModes, inverted, restoreModes } from "./vocabulary.ts";

const maxProcesses = 65_536;
const maxConnections = 65_536;
// An IPv6 address with all its digits.
const maxAddressLength = 39;
const maxPort = 65_535;
const maxExternals = 1024;
const maxChecks = 256;
const maxIterations = 100_000;
const maxImages = 1_000_000;
const maxStandings = 4096;
const maxCommandLength = 65_536;

const identifier = /^[0-9a-f]{32}$/;
const hash128 = /^[0-9a-f]{32}$/;
const stepName = /^[a-z-]+$/;
const printable = /^[\x20-\x7e]+$/;
const machine = /^[a-z0-9_]+$/;
const stateName = /^[a-z-]+$/;
// Wider than an address: it becomes part of a rule, and may hold nothing that ends a word there.
const address = /^[0-9a-f.:]+$/;
const withoutNul = /^[^\0]+$/;

const holdNames = inverted(holdModes);
const restoreNames = inverted(restoreModes);
const cgroupsNames = {
  ...inverted(cgroupsModes),
  "MANAGE_CGROUPS_UNSPECIFIED": undefined,
};

/** The request of type `type`; throws PhaulError `protocol`. */
export function readRequest(type: Request["type"], fields: Fields): Request {
  switch (type) {
    case "begin":
      return readBegin(fields);
    case "check":
      return readCheck(fields);
    case "start-iteration":
      return {
        ...{ type, iteration: readIteration(fields), final: fields.flag("final") },
        ...readPacking(fields),
      };
    case "stop-iteration":
      return {
        type,
        iteration: readIteration(fields),
        ...readStream(fields),
      };
    case "prepare":
      return {
        type,
        processes: fields.list("processes", maxProcesses, readProcess),
        connections: fields.list("connections", maxConnections, readConnection),
        imageCount: fields.integer("imageCount", 0, maxImages),
        imageBytes: fields.integer("imageBytes", 0, Number.MAX_SAFE_INTEGER),
      };
    case "commit":
      return { type, migrationId: readMigrationId(fields), forced: fields.flag("forced") };
    case "abort":
      return {
        type,
        migrationId: readMigrationId(fields),
        reason: cleanText(fields.anyText("reason")),
        forced: fields.flag("forced"),
      };
    case "probe":
      return {
        type,
        migrationId: readMigrationId(fields),
        command: fields.text("command", maxCommandLength, withoutNul),
        timeoutMs: fields.integer("timeoutMs", 1, maxProbeMs),
      };
    case "fetch-late":
    case "forget":
    case "cancel":
      return { type, migrationId: readMigrationId(fields) };
    case "offer-files":
      return { type, files: fields.list("files", maxFiles, readFile) };
    case "sync-files":
      return { type, area: readArea(fields) };
    case "inquire":
      return fields.anyText("migrationId") === ""
        ? { type }
        : { type, migrationId: readMigrationId(fields) };
    default:
      return type satisfies never;
  }
}

/** The reply of type `type`; throws PhaulError `protocol`. */
export function readReply(type: Reply["type"], fields: Fields): Reply {
  switch (type) {
    case "iteration-started": {
      const pagesTicket = fields.optionalBytes("pagesTicket", ticketBytes);
      const imagesTicket = fields.optionalBytes("imagesTicket", ticketBytes);
      return {
        type,
        ...(pagesTicket ? { pagesTicket } : {}),
        ...(imagesTicket ? { imagesTicket } : {}),
        ...readPacking(fields),
      };
    }
    case "begun":
      return {
        ...{ type, migrationId: readMigrationId(fields), lazy: fields.flag("lazy") },
        ...readDirectDoor(fields),
        ...(fields.flag("late") ? { late: true } : {}),
      };
    case "checked":
      return readChecked(fields);
    case "ready":
      return { type, migrationId: readMigrationId(fields), steps: readSteps(fields) };
    case "iteration-stopped":
      return {
        type,
        pages: fields.integer("pages", 0, Number.MAX_SAFE_INTEGER),
        pageBytes: fields.integer("pageBytes", 0, Number.MAX_SAFE_INTEGER),
      };
    case "running":
      return { type, steps: readSteps(fields) };
    case "files-wanted":
      return { type, areas: readWanted(fields) };
    case "files-ticket":
      return { type, ticket: fields.bytes("ticket", ticketBytes) };
    case "probed":
      return { type, passed: fields.flag("passed"), how: cleanText(fields.anyText("how")) };
    case "late-fetched": {
      const ticket = fields.optionalBytes("ticket", ticketBytes);
      return ticket ? { type, ticket } : { type };
    }
    case "forgotten":
      return { type };
    case "standings":
      return { type, standings: fields.list("standings", maxStandings, readStanding) };
    case "discarded": {
      const because = readErrorTexts(fields);
      return because.code === "" ? { type } : { type, because };
    }
    default:
      return type satisfies never;
  }
}

function readSteps(fields: Fields): Step[] {
  return fields.list("steps", maxSteps, (step) => ({
    name: step.text("name", 20, stepName),
    agoUs: step.integer("agoUs", 0, Number.MAX_SAFE_INTEGER),
  }));
}

function readBegin(fields: Fields): BeginRequest {
  return {
    type: "begin",
    migrationId: readMigrationId(fields),
    rootPid: fields.integer("rootPid", 1, maxPid),
    processes: fields.list("processes", maxProcesses, readProcess),
    comm: cleanText(fields.anyText("comm")),
    criuVersion: fields.text("criuVersion", 80, printable),
    arch: fields.text("arch", 20, machine),
    pageSize: fields.integer("pageSize", 4096, 1024 * 1024),
    ownPidNamespace: fields.flag("ownPidNamespace"),
    restore: readRestore(fields.inner("restore")),
    holdMode: fields.choice("holdMode", holdNames),
    files: fields.list("files", maxFiles, readFile),
    durable: fields.flag("durable"),
    memoryBytes: fields.integer("memoryBytes", 0, Number.MAX_SAFE_INTEGER),
    restoreMode: fields.choice("restoreMode", restoreNames),
    direct: fields.flag("direct"),
    skippedChecks: fields.texts("skippedChecks", maxChecks, 40, stateName),
    late: fields.flag("late"),
    ...readMoves(fields),
  };
}

function readDirectDoor(fields: Fields): Pick<BegunReply, "direct"> {
  const ticket = fields.optionalBytes("directTicket", ticketBytes);
  return ticket ? { direct: { port: fields.integer("directPort", 1, maxPort), ticket } } : {};
}

/** Nothing when the source saw no stream. */
function readStream(fields: Fields): Pick<StopIterationRequest, "pageBytes" | "pageHash"> {
  if (fields.anyText("pageHash") === "") return {};
  return {
    pageBytes: fields.integer("pageBytes", 0, Number.MAX_SAFE_INTEGER),
    pageHash: fields.text("pageHash", 32, hash128),
  };
}

/** What is not so is left out, as a peer that knows nothing of it leaves it out. */
function readPacking(fields: Fields): PackingTerms {
  return {
    ...(fields.flag("packed") ? { packed: true } : {}),
    ...(fields.flag("zstd") ? { zstd: true } : {}),
  };
}

function readRestore(fields: Fields): RestoreOptions {
  const mode = fields.choice("manageCgroupsMode", cgroupsNames);
  return {
    shellJob: fields.flag("shellJob"),
    tcpEstablished: fields.flag("tcpEstablished"),
    tcpClose: fields.flag("tcpClose"),
    extUnixSk: fields.flag("extUnixSk"),
    fileLocks: fields.flag("fileLocks"),
    linkRemap: fields.flag("linkRemap"),
    ...(mode ? { manageCgroupsMode: mode } : {}),
    external: fields.texts("external", maxExternals, maxPathLength, withoutNul),
  };
}

function readProcess(fields: Fields): ProcessSummary {
  return {
    pid: fields.integer("pid", 1, maxPid),
    stopped: fields.flag("stopped"),
    zombie: fields.flag("zombie"),
  };
}

function readConnection(fields: Fields): Connection {
  return {
    localAddress: fields.text("localAddress", maxAddressLength, address),
    localPort: fields.integer("localPort", 1, maxPort),
    remoteAddress: fields.text("remoteAddress", maxAddressLength, address),
    remotePort: fields.integer("remotePort", 1, maxPort),
  };
}

function readStanding(fields: Fields): Standing {
  const pid = fields.integer("pid", 0, maxPid);
  return {
    migrationId: readMigrationId(fields),
    state: fields.text("state", 20, stateName),
    comm: cleanText(fields.anyText("comm")),
    ...(pid > 0 ? { pid } : {}),
  };
}

function readMigrationId(fields: Fields): string {
  return fields.text("migrationId", 32, identifier);
}

function readIteration(fields: Fields): number {
  return fields.integer("iteration", 1, maxIterations);
}
