/** What /proc says: the kernel writes it, but names in it are whatever a process chose. */

import { assert } from "@std/assert";
import { rootsToMoveTo } from "../../src/criu/cgroup.ts";
import { parseTcpTable } from "../../src/proc/connections.ts";
import { parseStat, readStatus } from "../../src/proc/procfs.ts";
import { parseServiceUnit } from "../../src/proc/systemctl.ts";
import { testTargets } from "./fuzz.ts";

const decoded = (input: Uint8Array) => new TextDecoder().decode(input);

function checkStat(input: Uint8Array): void {
  const stat = parseStat(decoded(input));
  assert(stat === undefined || stat.comm.length <= input.length);
}

/** Read from a file, as it always is. */
function checkStatus(input: Uint8Array): void {
  const root = Deno.makeTempDirSync({ prefix: "phaul-fuzz-" });
  try {
    Deno.mkdirSync(`${root}/1`);
    Deno.writeFileSync(`${root}/1/status`, input);
    const status = readStatus(1, root);
    assert(status !== undefined && status.nsPids.length <= input.length);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

function checkTcp(input: Uint8Array): void {
  for (const { inode, state } of parseTcpTable(decoded(input))) assert(inode && state);
}

/** The same bytes as memberships and as mounts: each line is one of them, or neither. */
function checkCgroup(input: Uint8Array): void {
  const text = decoded(input);
  const unit = parseServiceUnit(text);
  assert(unit === undefined || unit.name.endsWith(".service"));
  for (const dir of rootsToMoveTo(text, text)) assert(text.includes(dir));
}

testTargets([
  { name: "proc-stat", allowed: [], check: checkStat },
  { name: "proc-status", allowed: [], check: checkStatus, rounds: 500 },
  { name: "proc-tcp", allowed: [], check: checkTcp },
  { name: "proc-cgroup", allowed: [], check: checkCgroup },
]);
