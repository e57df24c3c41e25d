/** One good message of each type. */

import type {
  BeginRequest,
  HostFacts,
  PrepareRequest,
  Reply,
  Request,
} from "../../../src/wire/mod.ts";

export const migrationId = "0123456789abcdef0123456789abcdef";
export const ticket = Uint8Array.from({ length: 32 }, (_, i) => i);

export const connections: PrepareRequest["connections"] = [
  { localAddress: "10.0.0.1", localPort: 80, remoteAddress: "10.0.0.9", remotePort: 65_535 },
  { localAddress: "2001:db8::1", localPort: 1, remoteAddress: "2001:db8::2", remotePort: 2 },
];

export const begin: BeginRequest = {
  type: "begin",
  migrationId,
  rootPid: 4711,
  processes: [
    { pid: 4711, stopped: false, zombie: false },
    { pid: 4712, stopped: true, zombie: false },
    { pid: 4713, stopped: false, zombie: true },
  ],
  comm: "piggie",
  criuVersion: "4.1.1",
  arch: "x86_64",
  pageSize: 4096,
  ownPidNamespace: true,
  restore: {
    shellJob: true,
    tcpEstablished: false,
    tcpClose: true,
    extUnixSk: false,
    fileLocks: true,
    linkRemap: false,
    manageCgroupsMode: "soft",
    external: ["mnt[/data]:data"],
  },
  holdMode: "notify",
  files: [
    { path: "/usr/bin/piggie", size: 2 ** 40 + 1, kind: "file", mode: 0o755, appendOnly: false },
    { path: "/srv", size: 0, kind: "directory", mode: 0o1777, appendOnly: false },
  ],
  durable: true,
  memoryBytes: 2 ** 33,
  restoreMode: "lazy",
  direct: true,
  skippedChecks: ["file-differs"],
  late: true,
};

const buildId = Uint8Array.from([1, 2, 3]);

const host: HostFacts = {
  criuVersion: "4.1.1",
  kernel: "6.1.0-18-amd64",
  arch: "x86_64",
  pageSize: 4096,
  dirtyTracking: true,
  lazyPages: false,
  timeNamespaces: true,
  cgroupVersion: 2,
  pidMax: 4 * 2 ** 20,
  ptraceScope: 1,
  lacks: ["CAP_SYS_PTRACE"],
  roomBytes: 2 ** 40,
  clockMs: 1_795_000_000_000,
  cpuinfo: ticket,
};

export const requests: readonly Request[] = [
  begin,
  {
    type: "check",
    host,
    pids: [1, 4711, 4 * 2 ** 20],
    ownPidNamespace: false,
    files: begin.files.map((file) => file.kind === "file" ? { ...file, buildId } : file),
    users: [{ uid: 0, name: "root" }, { uid: 2 ** 32 - 1, name: "" }],
    memoryBytes: 2 ** 33,
  },
  { type: "start-iteration", iteration: 3, final: false },
  { type: "start-iteration", iteration: 100_000, final: true },
  { type: "start-iteration", iteration: 4, final: false, packed: true },
  { type: "start-iteration", iteration: 5, final: true, packed: true, zstd: true },
  { type: "stop-iteration", iteration: 1, pageBytes: 2 ** 52, pageHash: "0a".repeat(16) },
  { type: "stop-iteration", iteration: 2 },
  { type: "prepare", processes: begin.processes, connections, imageCount: 12, imageBytes: 123_456 },
  { type: "commit", migrationId, forced: false },
  { type: "commit", migrationId, forced: true },
  { type: "abort", migrationId, reason: "the operator said so", forced: true },
  { type: "probe", migrationId, command: "redis-cli ping", timeoutMs: 30_000 },
  { type: "fetch-late", migrationId },
  { type: "forget", migrationId },
  { type: "inquire" },
  { type: "cancel", migrationId },
  { type: "inquire", migrationId },
  {
    ...begin,
    moves: {
      trees: [{ path: "/srv/a", target: "/srv/a" }, { path: "/srv/b", target: "/mnt/b c" }],
      open: false,
      overwrite: true,
    },
  },
  { ...begin, moves: { trees: [], open: true, overwrite: false } },
  {
    type: "offer-files",
    files: [
      {
        ...{ path: "/srv/x", size: 7, kind: "file", mode: 0o600, appendOnly: false },
        ...{ modifiedMs: 1_795_000_000_123, digest: ticket },
      },
      { path: "/srv/fifo", size: 0, kind: "fifo", mode: 0o640, appendOnly: false },
    ],
  },
  { type: "sync-files", area: 0 },
  { type: "sync-files", area: 255 },
];

export const replies: readonly Reply[] = [
  { type: "probed", passed: false, how: "exited with 1: no answer" },
  {
    type: "checked",
    host: { ...host, cpuinfo: new Uint8Array(), lacks: [] },
    findings: [
      { code: "pid-taken", severity: "blocker", message: "pid 1 is taken", remedy: "End it" },
      { code: "lazy-pages", severity: "note", message: "no" },
    ],
  },
  { type: "begun", migrationId, lazy: true },
  { type: "begun", migrationId, lazy: true, late: true },
  { type: "late-fetched", ticket },
  { type: "late-fetched" },
  { type: "begun", migrationId, lazy: false, direct: { port: 65_535, ticket } },
  { type: "iteration-started", pagesTicket: ticket },
  { type: "iteration-started", imagesTicket: ticket },
  { type: "iteration-started", pagesTicket: ticket, imagesTicket: ticket.toReversed() },
  { type: "iteration-started", pagesTicket: ticket, packed: true, zstd: true },
  { type: "iteration-stopped", pages: 2 ** 32, pageBytes: 2 ** 45 },
  { type: "ready", migrationId, steps: [{ name: "final-dump", agoUs: 12_345 }] },
  { type: "running", steps: [] },
  { type: "discarded" },
  { type: "forgotten" },
  { type: "files-wanted", areas: [0, 1, 256] },
  { type: "files-ticket", ticket },
  { type: "standings", standings: [] },
  {
    type: "standings",
    standings: [
      { migrationId, state: "prepared", comm: "piggie", pid: 4711 },
      { migrationId, state: "in-doubt", comm: "redis server" },
    ],
  },
  {
    type: "discarded",
    because: {
      ...{ code: "restore-failed", message: "Cannot restore", remedy: "make room" },
      ...{ evidence: ["(00.1) Error (file.c:1): no"], log: "/var/lib/phaul/logs/1-restore.log" },
    },
  },
];
