/** Records of each kind, as a migration writes them. */

import type { JournalRecord } from "../../../src/journal/mod.ts";

const tasks = [
  { pid: 4711, nsPid: 4711, parentPid: 1, startTimeTicks: "815", state: "running" },
  { pid: 4712, nsPid: 4712, parentPid: 4711, startTimeTicks: "816", state: "stopped" },
] as const;
const connections = [
  { localAddress: "10.0.0.1", localPort: 80, remoteAddress: "10.0.0.9", remotePort: 4000 },
];

/** A source's, in order. */
export const SOURCE_RECORDS: readonly JournalRecord[] = [
  {
    mark: "BEGIN",
    pid: 4711,
    startTimeTicks: "815",
    comm: "a name with\na line feed and an ü",
    peer: { host: "dst", port: 7284 },
    tokenFile: "/var/lib/phaul/join-token",
    insecure: false,
    workDir: "/dev/shm/phaul/0-source",
    keepImages: false,
    phaul: { pid: 4000, startTimeTicks: "800" },
  },
  { mark: "INTENT", tasks, connections },
  { mark: "COMMIT" },
  { mark: "DONE" },
];

/** Follows BEGIN where the tree was slowed down. */
export const THROTTLED: JournalRecord = {
  ...{ mark: "THROTTLED", cgroup: "/sys/fs/cgroup/a.scope", cpuMax: "max 100000" },
};

/** A destination's, in order. */
export const DESTINATION_RECORDS: readonly JournalRecord[] = [
  {
    mark: "ADMITTED",
    comm: "piggie",
    rootPid: 4711,
    holdMode: "stopped",
    restore: {
      ...{ shellJob: false, tcpEstablished: true, tcpClose: false, extUnixSk: false },
      ...{ fileLocks: false, linkRemap: false, external: [] },
    },
    workDir: "/dev/shm/phaul/0-destination",
    keepImages: true,
    durable: false,
  },
  { mark: "RESTORED", tasks },
  {
    mark: "PREPARED",
    processes: [{ pid: 4711, stopped: false, zombie: false }],
    connections,
    imagesDir: "/dev/shm/phaul/0-destination/3",
  },
  { mark: "RUNNING" },
  { mark: "CONTINUED" },
];
