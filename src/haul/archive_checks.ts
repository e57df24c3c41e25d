/**
 * What has to hold on a host that restores an archive: the checks of a migration, by what the archive says
 * of the tree and of the host that it came from.
 *
 * @module
 */

import type { ArchiveContents } from "../archive/mod.ts";
import { checkPair, refuseBlockers, skipping } from "../check/mod.ts";
import { requireFit } from "./admission.ts";
import { believed, CheckDesk, placed, type PlacedFinding, versionsOf } from "./checkup.ts";
import type { ArchiveRestoreOptions } from "./archive_options.ts";
import type { RestorerOptions } from "./restorer.ts";
import { policyOf } from "./files/targets.ts";
import type { Stages } from "./stages.ts";

/** An archive is a moment in the past: no clock says how long ago. */
const NO_CLOCK = { clockAheadMs: 0, cpuBack: undefined } as const;

/**
 * Checks this host, tells what was found, and refuses what cannot be.
 *
 * @throws PhaulError `destination-unfit`, `pid-taken`, `file-missing`, `file-differs`
 */
export async function checkForArchive(
  { begin, check }: Pick<ArchiveContents, "begin" | "check">,
  restorer: RestorerOptions,
  options: ArchiveRestoreOptions,
  stages: Stages,
): Promise<void> {
  const { workDir, timeouts, skippedChecks = [] } = options;
  const desk = new CheckDesk(restorer, workDir, timeouts.stepMs / 2, () => policyOf(options));
  const { host, findings: there } = await desk.answer(check);
  const findings: readonly PlacedFinding[] = [
    ...placed("destination", there.map(believed)),
    ...placed("both", checkPair(check.host, host, NO_CLOCK)),
  ];
  stages.tell({
    event: "examined",
    migration: begin.migrationId,
    hosts: versionsOf({ source: check.host, destination: host }),
    findings: findings.map(({ code, severity, on, message }) => ({
      ...{ code, severity, on, message },
    })),
  });
  const weighed = skipping(findings, skippedChecks);
  refuseBlockers("restore the process tree", weighed);
  for (const { severity, message, remedy } of weighed) {
    if (severity !== "warning") continue;
    stages.warn(remedy === undefined ? message : `${message} (${remedy})`);
  }
  requireFit({ ...begin, skippedChecks });
}
