import { assertEquals, assertThrows } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { readMigrate } from "../../../src/cli/migrate.ts";
import { readRestore } from "../../../src/cli/restore.ts";
import { readServe } from "../../../src/cli/serve.ts";
import { describeWhereabouts, whereaboutsOf } from "../../../src/cli/whereabouts.ts";
import {
  DEFAULT_SERVE_LIMITS,
  DEFAULT_TIMEOUTS,
  NO_CRIU_FLAGS,
} from "../../../src/haul/options.ts";
import { DEFAULT_LIMITS } from "../../../src/migrate/policy.ts";

Deno.test("readMigrate: the least that can be said takes every default", () => {
  const { victim, options, json } = readMigrate(["--pid", "4711", "--peer", "dst"]);
  assertEquals([victim, json], [{ by: "pid", pid: 4711 }, false]);
  assertEquals(options, {
    ...{ peer: { host: "dst", port: 7284 }, mode: "pre-copy", insecure: false },
    ...{ stateDir: "/var/lib/phaul", tokenFile: "/var/lib/phaul/join-token" },
    ...{ workDir: undefined, criuPath: undefined, hook: undefined, maxFrozenMs: undefined },
    ...{ keepImages: false, durable: false, restoreMode: "auto" },
    ...{ limits: DEFAULT_LIMITS, timeouts: DEFAULT_TIMEOUTS },
    criu: { ...NO_CRIU_FLAGS, ghostLimitBytes: undefined },
    ...{ releaseUnit: false, skippedChecks: [], fs: [], overwrite: false },
    bandwidth: { preCopy: undefined, final: undefined },
    ...{ budget: undefined, probe: undefined, criuService: undefined },
    ...{ compression: "off", channel: "relay" },
  });
});

Deno.test("readMigrate: each flag reaches its option", () => {
  const { options, json } = readMigrate([
    ...[
      "--pid=1",
      "--peer=[::1]:9",
      "--token-file=/t",
      "--state-dir=/s",
      "--work-dir=/w",
      "--json",
    ],
    ...["--criu=/c", "--hook=h", "--mode=stop-and-copy", "--max-iters=1", "--min-pages=0"],
    ...["--max-growth=0", "--tcp-established", "--shell-job", "--ext-unix-sk", "--file-locks"],
    ...["--link-remap", "--ghost-limit=2M", "--manage-cgroups-mode=soft", "--external=net[1]:a"],
    ...["--external=mnt[/x]:y", "--connect-timeout=1", "--step-timeout=2", "--peer-timeout=3"],
    ...["--stall-timeout=4", "--commit-timeout=5", "--max-frozen=0.5", "--keep-images"],
    ...[
      "--durable",
      "--release-unit",
      "--bandwidth=1Gbit",
      "--bandwidth-final=800kbit",
      "--compress=auto",
    ],
    ...["--restore=eager", "--skip-check=cpu", "--skip-check=device"],
    ...["--fs", "open", "--fs", "tree:/srv/a b/:/mnt/c", "--fs=tree:/srv/d", "--fs=exec:mover"],
    "--overwrite",
    ...["--probe=p", "--probe-stopped=q r", "--probe-timeout=5"],
  ]);
  assertEquals(json, true);
  assertEquals(options, {
    ...{ peer: { host: "::1", port: 9 }, tokenFile: "/t", stateDir: "/s", workDir: "/w" },
    ...{ criuPath: "/c", hook: "h", mode: "stop-and-copy", insecure: false },
    ...{ keepImages: true, durable: true, maxFrozenMs: 500, restoreMode: "eager" },
    limits: { maxIterations: 1, minPages: 0, maxGrowthPercent: 0 },
    criu: {
      ...{ tcpEstablished: true, tcpClose: false, shellJob: true, extUnixSk: true },
      ...{ fileLocks: true, linkRemap: true, ghostLimitBytes: 2 * 2 ** 20 },
      ...{ manageCgroupsMode: "soft", external: ["net[1]:a", "mnt[/x]:y"] },
    },
    timeouts: { connectMs: 1000, stepMs: 2000, peerSilentMs: 3000, stallMs: 4000, commitMs: 5000 },
    ...{ releaseUnit: true, skippedChecks: ["cpu", "device"], overwrite: true },
    fs: [
      { kind: "open" },
      { kind: "tree", path: "/srv/a b", target: "/mnt/c" },
      { kind: "tree", path: "/srv/d", target: "/srv/d" },
      { kind: "exec", program: "mover" },
    ],
    criuService: undefined,
    probe: { running: "p", stopped: "q r", timeoutMs: 5000 },
    bandwidth: { preCopy: 125_000_000, final: 100_000 },
    budget: undefined,
    ...{ compression: "auto", channel: "relay" },
  });
});

Deno.test("readMigrate: the token is looked for in the state directory", () => {
  const { options } = readMigrate(["--pid=1", "--peer=dst", "--state-dir=/s"]);
  assertEquals(options.tokenFile, "/s/join-token");
});

for (
  const contradiction of [
    ["--insecure", "--token-file=/t"],
    ["--tcp-established", "--tcp-close"],
    ["--on-miss=cancel"],
    ["--channel=direct", "--compress=auto"],
    ["--channel=direct", "--bandwidth=1Gbit"],
    ["--channel=direct", "--bandwidth-final=1Gbit"],
    ["--max-downtime=300ms", "--mode=stop-and-copy"],
  ]
) {
  Deno.test(`readMigrate: refuses ${contradiction.join(" with ")}`, () => {
    const args = ["--pid=1", "--peer=dst", ...contradiction];
    assertEquals(assertThrows(() => readMigrate(args), PhaulError).code, "usage");
  });
}

Deno.test("readMigrate, readServe: pages go directly where both are told so", () => {
  const { options } = readMigrate(["--pid=1", "--peer=dst", "--channel=direct"]);
  assertEquals(options.channel, "direct");
  assertEquals(readServe(["--direct-port=7285"]).options.directPort, 7285);
  assertEquals(assertThrows(() => readServe(["--direct-port=65536"]), PhaulError).code, "usage");
});

Deno.test("readMigrate: with a criu service all is copied at once", () => {
  const args = ["--pid=1", "--peer=dst", "--criu-service=/s"];
  const { mode, criuService } = readMigrate(args).options;
  assertEquals([mode, criuService], ["stop-and-copy", "/s"]);
  for (const other of ["--channel=direct", "--max-downtime=300ms"]) {
    assertEquals(assertThrows(() => readMigrate([...args, other]), PhaulError).code, "usage");
  }
});

Deno.test("readMigrate: a budget proceeds when it is missed, unless told otherwise", () => {
  const args = ["--pid=1", "--peer=dst", "--max-downtime=300ms"];
  assertEquals(readMigrate(args).options.budget, { maxDowntimeMs: 300, onMiss: "proceed" });
  const told = readMigrate([...args, "--on-miss=cancel"]).options.budget;
  assertEquals(told, { maxDowntimeMs: 300, onMiss: "cancel" });
});

Deno.test("readServe: listens on the usual port of every address", () => {
  assertEquals(readServe([]).options, {
    ...{ listen: { host: "0.0.0.0", port: 7284 }, stateDir: "/var/lib/phaul", insecure: false },
    ...{ workDir: undefined, criuPath: undefined, hook: undefined, timeouts: DEFAULT_TIMEOUTS },
    ...{ keepImages: false, durable: false, drainMs: 60_000, allowedPaths: [] },
    limits: { ...DEFAULT_SERVE_LIMITS, maxImageBytes: undefined },
    ...{ criuSocket: undefined, directPort: undefined, metrics: undefined },
  });
});

Deno.test("readServe: a socket for the criu that restores", () => {
  assertEquals(readServe(["--criu-socket=/run/criu.sock"]).options.criuSocket, "/run/criu.sock");
});

Deno.test("whereaboutsOf: reads them off an error that carries them", () => {
  assertEquals(whereaboutsOf(Object.assign(new Error("x"), { whereabouts: "gone" })), "gone");
  assertEquals(whereaboutsOf(new Error("x")), undefined);
});

Deno.test("describeWhereabouts: names the process and, where it matters, the peer", () => {
  assertEquals(describeWhereabouts("source", 7, "dst:1"), "Process 7 is on this host, as before");
  assertEquals(
    describeWhereabouts("in-doubt", 7, "dst:1"),
    "Process 7 no longer runs on this host; whether it runs on dst:1 is not known",
  );
});

Deno.test("readMigrate: into a file, and to nobody", () => {
  const { options } = readMigrate(["--pid=1", "--to-archive=/a/tree"]);
  assertEquals([options.archive, options.peer], ["/a/tree", { host: "", port: 0 }]);
});

for (
  const flag of [
    ...["--peer=dst", "--token-file=/t", "--insecure", "--durable", "--restore=lazy"],
    ...["--channel=direct", "--compress=zstd", "--bandwidth=1Gbit", "--bandwidth-final=1Gbit"],
    ...["--max-downtime=1s", "--probe=true", "--probe-stopped=true"],
  ]
) {
  Deno.test(`readMigrate: refuses ${flag} with --to-archive`, () => {
    const read = () => readMigrate(["--pid=1", "--to-archive=/a", flag]);
    const { code, message } = assertThrows(read, PhaulError);
    assertEquals([code, message.includes(flag.replace(/=.*/, ""))], ["usage", true]);
  });
}

Deno.test("readMigrate: --images-dir is --work-dir, and not both", () => {
  const read = (...args: string[]) => readMigrate(["--pid=1", "--peer=dst", ...args]).options;
  assertEquals(read("--images-dir=/i").workDir, "/i");
  assertEquals(
    assertThrows(() => read("--images-dir=/i", "--work-dir=/w"), PhaulError).code,
    "usage",
  );
});

Deno.test("readRestore: the file comes first, and each flag reaches its option", () => {
  const { options, json, quiet } = readRestore(["/a/tree", "--again", "--json", "--criu=/c"]);
  assertEquals([options.archive, options.again, options.criuPath], ["/a/tree", true, "/c"]);
  assertEquals([json, quiet, options.stateDir], [true, false, "/var/lib/phaul"]);
  for (const args of [[], ["--again"], ["/a", "/b"], ["/a", "--peer=dst"]]) {
    assertEquals(assertThrows(() => readRestore(args), PhaulError).code, "usage");
  }
});
