import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { EXIT_CODES } from "../../../src/cli/exit_codes.ts";
import { COMMANDS, runCli } from "../../../src/cli/run.ts";
import type { MigrateOptions } from "../../../src/haul/options.ts";
import { fakeContext } from "./fakes.ts";

const migration = "0123456789abcdef0123456789abcdef";
const SUMMARY = { migration, iterations: [], switchoverMs: 5, totalMs: 9, bytes: 0, sentBytes: 0 };
const MIGRATE = ["migrate", "--pid=7", "--peer=dst"];

/** A failure as the role throws it. */
function failed(code: PhaulError["code"], whereabouts: string): PhaulError {
  return Object.assign(new PhaulError(code, "Cannot", { remedy: "Do this" }), { whereabouts });
}

Deno.test("runCli: migrate hands its options to the role and reports success", async () => {
  let seen: MigrateOptions | undefined;
  const context = fakeContext({
    migrate: (options, sink) => {
      seen = options;
      sink({ event: "connected", migration, peer: "dst" });
      return Promise.resolve(SUMMARY);
    },
  });
  assertEquals(await runCli([...MIGRATE, "--json"], context), 0);
  assertEquals(seen?.pid, 7);
  assertEquals(context.terminal.events.map(({ event }) => event), ["connected", "migrated"]);
  assertStringIncludes(context.terminal.stderr, "Process 7 runs on dst:7284 now");
});

for (const whereabouts of ["source", "destination", "in-doubt", "gone"]) {
  Deno.test(`runCli: a migration that fails says first that the process is: ${whereabouts}`, async () => {
    const context = fakeContext({
      migrate: () => Promise.reject(failed("peer-lost", whereabouts)),
    });
    assertEquals(await runCli([...MIGRATE, "--json"], context), 42);
    const [first, ...rest] = context.terminal.stderr.trim().split("\n");
    assertStringIncludes(first ?? "", "process 7".slice(1));
    assertEquals(rest, ["Cannot", "Do this"]);
    assertEquals(context.terminal.events.at(-1)?.["whereabouts"], whereabouts);
  });
}

Deno.test("runCli: every failure of a role ends with its own exit code", async () => {
  for (const [code, { exit }] of Object.entries(EXIT_CODES)) {
    const error = new PhaulError(code as keyof typeof EXIT_CODES, "Cannot");
    const context = fakeContext({ serve: () => Promise.reject(error) });
    assertEquals(await runCli(["serve"], context), exit);
  }
});

Deno.test("runCli: an error of another kind is internal", async () => {
  const context = fakeContext({ serve: () => Promise.reject(new TypeError("odd")) });
  assertEquals(await runCli(["serve"], context), 1);
  assertEquals(context.terminal.stderr, "odd\n");
});

Deno.test("runCli: a command line that is not understood is told in JSON too", async () => {
  const context = fakeContext();
  assertEquals(await runCli(["migrate", "--pid=x", "--peer=dst", "--json"], context), 2);
  assertEquals(context.terminal.events[0]?.["code"], "usage");
  assertStringIncludes(context.terminal.stderr, '--pid "x"');
});

Deno.test("runCli: an unknown command, and none, are usage errors", async () => {
  const unknown = fakeContext();
  assertEquals(await runCli(["move"], unknown), 2);
  assertEquals(unknown.terminal.stderr, 'Cannot run "move": no such command\nSee "phaul help"\n');
  const none = fakeContext();
  assertEquals(await runCli([], none), 2);
  assertStringIncludes(none.terminal.stderr, "Usage: phaul COMMAND");
  assertEquals(none.terminal.stdout, "");
});

for (const command of COMMANDS) {
  Deno.test(`phaul ${command.name} --help: shows every flag, examples and exit codes`, async () => {
    const context = fakeContext();
    assertEquals(await runCli([command.name, "--help", "--nonsense"], context), 0);
    const help = context.terminal.stdout;
    for (const { flags } of command.flags) {
      for (const { name } of Object.values(flags)) assertStringIncludes(help, `--${name}`);
    }
    assert(command.examples.length > 0);
    for (const { line } of command.examples) assertStringIncludes(help, line);
    assertStringIncludes(help, "Exit codes");
    const long = help.split("\n").filter((line) => line.length > 80 && !line.startsWith("    "));
    assertEquals(long, []);
    const asked = fakeContext();
    assertEquals(await runCli(["help", command.name], asked), 0);
    assertEquals(asked.terminal.stdout, help);
  });
}

Deno.test("phaul help: lists every command, and each exit code on request", async () => {
  const general = fakeContext();
  assertEquals(await runCli(["--help"], general), 0);
  for (const { name } of COMMANDS) assertStringIncludes(general.terminal.stdout, `  ${name} `);
  const codes = fakeContext();
  assertEquals(await runCli(["help", "exit-codes"], codes), 0);
  for (const code of Object.keys(EXIT_CODES)) {
    assertStringIncludes(codes.terminal.stdout, `${code}:`);
  }
  assertEquals(await runCli(["help", "nothing"], fakeContext()), 2);
  assertEquals(await runCli(["help", "serve", "migrate"], fakeContext()), 2);
});

Deno.test("phaul version: a criu that is missing is an answer, with its remedy", async () => {
  const missing = new PhaulError("criu-missing", "Cannot find criu", { remedy: "Install it" });
  const context = fakeContext({ findCriu: () => Promise.reject(missing) });
  assertEquals(await runCli(["version"], context), 0);
  assertStringIncludes(
    context.terminal.stdout,
    "CRIU not usable: Cannot find criu\n  Install it\n",
  );
  assertStringIncludes(context.terminal.stdout, "(run from its sources)");
});

Deno.test("phaul version --json: tells the versions and the criu found", async () => {
  const context = fakeContext({
    findCriu: ({ criuPath = "/usr/sbin/criu" }) =>
      Promise.resolve({ path: criuPath, version: "4.1.1" }),
  });
  assertEquals(await runCli(["version", "--json", "--criu=/x/criu"], context), 0);
  const [{ event, criu, deno } = {}] = context.terminal.events;
  assertEquals([event, criu, deno], [
    ...["version", { path: "/x/criu", version: "4.1.1" }, Deno.version.deno],
  ]);
});

Deno.test("phaul selftest: reports what was counted", async () => {
  const report = { countedBefore: 25, countedAfter: 60, summary: SUMMARY };
  const context = fakeContext({ selftest: () => Promise.resolve(report) });
  assertEquals(await runCli(["selftest"], context), 0);
  assertStringIncludes(context.terminal.stderr, "from 25 to 60 without gap");
});

Deno.test("phaul serve --insecure: warns before anything else", async () => {
  const context = fakeContext({ serve: () => Promise.resolve() });
  assertEquals(await runCli(["serve", "--insecure"], context), 0);
  assert(context.terminal.stderr.startsWith("Warning: --insecure"));
});
