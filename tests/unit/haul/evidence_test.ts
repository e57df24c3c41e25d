import { assertEquals } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { keptLogName, withKeptLog } from "../../../src/haul/evidence.ts";

const ID = "0123456789abcdef0123456789abcdef";
const LOG = `/dev/shm/phaul/${ID}-destination/3/restore.log`;

function failure(log: string | undefined, remote?: boolean): PhaulError {
  const evidence = { lines: ["Error: no"], ...(log ? { log } : {}), ...(remote ? { remote } : {}) };
  return new PhaulError("restore-failed", "Cannot restore", { remedy: "Look", evidence });
}

Deno.test("keptLogName: migration, iteration and file, of logs only", () => {
  assertEquals(keptLogName(LOG), `${ID}-3-restore.log`);
  assertEquals(keptLogName(`/w/${ID}-source/1/pages-1.img`), undefined);
  assertEquals(keptLogName("/tmp/restore.log"), undefined);
});

Deno.test("withKeptLog: names the place where the log will be, and says all else as it was", () => {
  const told = withKeptLog(failure(LOG), "/s");
  assertEquals(told.evidence, { lines: ["Error: no"], log: `/s/logs/${ID}-3-restore.log` });
  assertEquals([told.code, told.message, told.remedy], [
    "restore-failed",
    "Cannot restore",
    "Look",
  ]);
});

Deno.test("withKeptLog: what the peer keeps, and what is no log of a migration, stays as it is", () => {
  const theirs = failure("/theirs/logs/x.log", true);
  assertEquals(withKeptLog(theirs, "/s").evidence, theirs.evidence);
  const without = failure(undefined);
  assertEquals(withKeptLog(without, "/s"), without);
});
