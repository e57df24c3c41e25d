/**
 * Requests and replies as fields of proto/phaul.proto.
 *
 * @module
 */

import { checkedFields, checkFields } from "./check_codec.ts";
import { fileFields } from "./file_codec.ts";
import type { BeginRequest, PackingTerms, Request } from "./messages.ts";
import type { Reply } from "./replies.ts";
import { cgroupsModes, holdModes, restoreModes } from "./vocabulary.ts";

type RawFields = Readonly<Record<string, unknown>>;

/** The fields of `request`. */
export function requestFields(request: Request): RawFields {
  switch (request.type) {
    case "begin":
      return beginFields(request);
    case "check":
      return checkFields(request);
    case "start-iteration":
      return {
        ...{ iteration: request.iteration, final: request.final },
        ...packingFields(request),
      };
    case "stop-iteration": {
      const { iteration, pageBytes, pageHash } = request;
      return { iteration, pageBytes, pageHash };
    }
    case "prepare": {
      const { imageCount, imageBytes, processes, connections } = request;
      return { imageCount, imageBytes, processes, connections };
    }
    case "commit":
      return { migrationId: request.migrationId, forced: request.forced };
    case "abort": {
      const { migrationId, reason, forced } = request;
      return { migrationId, reason, forced };
    }
    case "probe": {
      const { migrationId, command, timeoutMs } = request;
      return { migrationId, command, timeoutMs };
    }
    case "offer-files":
      return { files: request.files.map(fileFields) };
    case "sync-files":
      return { area: request.area };
    case "fetch-late":
    case "forget":
    case "inquire":
    case "cancel":
      return { migrationId: request.migrationId };
    default:
      return request satisfies never;
  }
}

/** The fields of `reply`. */
export function replyFields(reply: Reply): RawFields {
  switch (reply.type) {
    case "iteration-started":
      return {
        ...{ pagesTicket: reply.pagesTicket, imagesTicket: reply.imagesTicket },
        ...packingFields(reply),
      };
    case "begun":
      return {
        ...{ migrationId: reply.migrationId, lazy: reply.lazy, late: reply.late },
        ...{ directPort: reply.direct?.port, directTicket: reply.direct?.ticket },
      };
    case "checked":
      return checkedFields(reply);
    case "ready":
      return { migrationId: reply.migrationId, steps: reply.steps };
    case "iteration-stopped":
      return { pages: reply.pages, pageBytes: reply.pageBytes };
    case "running":
      return { steps: reply.steps };
    case "probed":
      return { passed: reply.passed, how: reply.how };
    case "files-wanted":
      return { areas: reply.areas };
    case "late-fetched":
    case "files-ticket":
      return { ticket: reply.ticket };
    case "forgotten":
      return {};
    case "standings":
      return { standings: reply.standings };
    case "discarded":
      return { ...reply.because };
    default:
      return reply satisfies never;
  }
}

function packingFields({ packed, zstd }: PackingTerms): RawFields {
  return { packed, zstd };
}

function beginFields(request: BeginRequest): RawFields {
  const { type: _, restore, holdMode, restoreMode, files, ...same } = request;
  const { manageCgroupsMode: mode, ...flags } = restore;
  return {
    ...same,
    restore: { ...flags, manageCgroupsMode: mode ? cgroupsModes[mode] : 0 },
    holdMode: holdModes[holdMode],
    restoreMode: restoreModes[restoreMode],
    files: files.map(fileFields),
  };
}
