import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { Roles } from "../../../src/cli/command.ts";
import { readRecover } from "../../../src/cli/recover.ts";
import { runCli } from "../../../src/cli/run.ts";
import { PhaulError } from "../../../src/errors.ts";
import type { Recovered } from "../../../src/haul/standing.ts";
import { fakeContext } from "./fakes.ts";

const ID = "b9879251aa0011223344556677889900";
const SETTLED: Recovered = {
  ...{ migration: ID, side: "source", comm: "redis", pid: 4711, state: "aborted" },
  ...{ live: false, whereabouts: "source", settled: true },
};
const OPEN: Recovered = {
  ...SETTLED,
  ...{ settled: false, whereabouts: "in-doubt", state: "undecided" },
  error: new PhaulError("undecided", "Cannot tell", { remedy: "Decide" }),
};

function all(recovered: readonly Recovered[]): Roles["recover"] {
  return (_options, _sink, tell) => {
    recovered.forEach(tell);
    return Promise.resolve([...recovered]);
  };
}

Deno.test("readRecover: an id, or its first digits, and one decision", () => {
  const { options, json } = readRecover(["b987", "--force-source", "--state-dir=/s", "--json"]);
  assertEquals([options.migration, options.force, options.stateDir], ["b987", "source", "/s"]);
  assertEquals([json, options.timeouts.commitMs], [true, 30_000]);
  assertEquals(readRecover([]).options.migration, undefined);
});

for (const id of [ID, "b987", "1234", "0010", "12e4"]) {
  Deno.test(`readRecover: ${id} may stand before, between and behind the flags`, () => {
    const flags = ["--json", "--force-destination", "--state-dir", "/s"];
    for (let at = 0; at <= 2; at++) {
      const { options, json } = readRecover(flags.toSpliced(at, 0, id));
      const { migration, force, stateDir } = options;
      assertEquals([migration, force, stateDir, json], [id, "destination", "/s", true]);
    }
    assertEquals(readRecover([...flags, id]).options.migration, id);
  });
}

for (
  const args of [
    ["--force-source"],
    [ID, "--force-source", "--force-destination"],
    ["redis"],
    ["b98"],
    [ID, ID],
  ]
) {
  Deno.test(`readRecover: refuses ${args.join(" ").replaceAll(ID, "ID")}`, () => {
    assertEquals(assertThrows(() => readRecover(args), PhaulError).code, "usage");
  });
}

Deno.test("phaul recover: the owner comes first, and 0 means that nothing is left", async () => {
  const context = fakeContext({ recover: all([SETTLED]) });
  assertEquals(await runCli(["recover"], context), 0);
  const [head, owner, end] = context.terminal.stderr.split("\n");
  assertStringIncludes(head ?? "", `Migration ${ID}: process 4711 (redis)`);
  assertStringIncludes(owner ?? "", "its source's: this host");
  assertStringIncludes(end ?? "", "nothing is left to do");
});

Deno.test("phaul recover: what only a person can decide has an exit code and a remedy", async () => {
  const context = fakeContext({ recover: all([SETTLED, OPEN]) });
  assertEquals(await runCli(["recover", "--json"], context), 61);
  assertStringIncludes(context.terminal.stderr, "Cannot tell\n  Decide");
  const [, open] = context.terminal.events;
  assertEquals(open?.error, { code: "undecided", message: "Cannot tell", remedy: "Decide" });
});

Deno.test("phaul recover: nothing to do is said", async () => {
  const context = fakeContext({ recover: all([]) });
  assertEquals(await runCli(["recover"], context), 0);
  assertStringIncludes(context.terminal.stderr, "Nothing was interrupted");
});

Deno.test("phaul status: whose the process is, and what to do about what was interrupted", async () => {
  const { settled: _, ...standing } = SETTLED;
  const context = fakeContext({
    status: () => Promise.resolve([{ ...standing, state: "INTENT" }]),
  });
  assertEquals(await runCli(["status"], context), 0);
  assertStringIncludes(context.terminal.stdout, `phaul recover ${ID}`);
  const empty = fakeContext({ status: () => Promise.resolve([]) });
  assertEquals(await runCli(["status"], empty), 0);
  assertStringIncludes(empty.terminal.stdout, "No migration");
});

Deno.test("phaul status: asks the peer with the token of the state directory", async () => {
  const asked: unknown[] = [];
  const context = fakeContext({
    status: (options) => {
      asked.push([options.peer, options.tokenFile, options.migration]);
      return Promise.resolve([]);
    },
  });
  await runCli(["status", "b987", "--peer=dst", "--state-dir=/s"], context);
  assertEquals(asked, [[{ host: "dst", port: 7284 }, "/s/join-token", "b987"]]);
});

for (
  const [whereabouts, code, words] of [
    ["source", 0, "goes on at its source"],
    ["destination", 57, "Too late"],
    ["in-doubt", 57, "phaul status"],
  ] as const
) {
  Deno.test(`phaul cancel: the process is "${whereabouts}"`, async () => {
    const context = fakeContext({
      cancel: ({ migration }) => Promise.resolve({ migration, whereabouts }),
    });
    assertEquals(await runCli(["cancel", ID], context), code);
    assertStringIncludes(context.terminal.stderr, words);
  });
}

Deno.test("phaul cancel: without an id it is a usage error", async () => {
  assertEquals(await runCli(["cancel"], fakeContext()), 2);
});
