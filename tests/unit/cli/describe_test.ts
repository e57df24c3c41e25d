import { assertEquals } from "@std/assert";
import { describe, showAddress } from "../../../src/cli/describe.ts";
import { count, showBytes, showMs } from "../../../src/cli/figures.ts";

const migration = "0123456789abcdef0123456789abcdef";

Deno.test("describe: an iteration shows pages, bytes, time and how long it froze the tree", () => {
  const figures = { iteration: 2, pagesWritten: 1, bytes: 4120, durationMs: 1234 };
  assertEquals(
    describe({ event: "iteration-end", migration, ...figures, final: false, frozenTimeUs: 900 }),
    { kind: "line", text: "Iteration 2: 1 page, 4.0 KiB in 1.2 s, frozen for 1 ms" },
  );
  assertEquals(
    describe({ event: "iteration-end", migration, ...figures, final: true }),
    { kind: "line", text: "Final dump: 1 page, 4.0 KiB in 1.2 s" },
  );
});

Deno.test("describe: a server says where it listens and how a source proves itself", () => {
  const line = describe({
    ...{ event: "listening", host: "::", port: 9000, tokenFile: "/var/lib/phaul/join-token" },
  });
  assertEquals(line, {
    kind: "line",
    text: "Listening on [::]:9000\n" +
      "A source proves itself with the join token in /var/lib/phaul/join-token: copy it to the " +
      "source as root\n(mode 0600), then there: " +
      "phaul migrate --pid PID --peer THIS-HOST:9000 --token-file FILE",
  });
});

Deno.test("describe: an open server says so", () => {
  const line = describe({ event: "listening", host: "0.0.0.0", port: 7284 });
  assertEquals(line.kind === "line" && line.text.includes("WITHOUT encryption"), true);
});

Deno.test("showAddress: brackets IPv6", () => {
  assertEquals(showAddress({ host: "::1", port: 1 }), "[::1]:1");
  assertEquals(showAddress({ host: "dst", port: 1 }), "dst:1");
});

Deno.test("figures: read as people write them", () => {
  assertEquals([0, 1023, 1024, 1536, 2 ** 30].map(showBytes), [
    ...["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 GiB"],
  ]);
  assertEquals([0, 0.4, 999, 999.6, 59_900, 59_960, 200_000].map(showMs), [
    ...["0 ms", "0 ms", "999 ms", "1.0 s", "59.9 s", "1 min 0 s", "3 min 20 s"],
  ]);
  assertEquals([count(1, "process", "processes"), count(2, "page")], ["1 process", "2 pages"]);
});

const PREDICTION = {
  ...{ iteration: 2, switchoverMs: 240, dirtyPages: 1029, copyMs: 80, restoreMs: 120 },
  maxDowntimeMs: 300,
};

Deno.test("describe: a prediction says what is allowed, and whether it fits", () => {
  const texts = [true, false].map((fits) =>
    describe({ event: "predicted", migration, ...PREDICTION, fits })
  );
  assertEquals(texts, [
    {
      kind: "line",
      text: "Predicted: a switchover of 240 ms, with 1029 pages; 300 ms are allowed",
    },
    {
      kind: "line",
      text: "Predicted: a switchover of 240 ms, with 1029 pages; 300 ms are allowed, so not yet",
    },
  ]);
});

Deno.test("describe: an iteration says what travelled of it, where that is less", () => {
  const figures = { iteration: 1, pagesWritten: 2, bytes: 8248, durationMs: 5, final: false };
  const texts = [8256, 2048].map((sentBytes) =>
    describe({ event: "iteration-end", migration, ...figures, sentBytes })
  );
  assertEquals(texts, [
    { kind: "line", text: "Iteration 1: 2 pages, 8.1 KiB in 5 ms" },
    { kind: "line", text: "Iteration 1: 2 pages, 8.1 KiB (2.0 KiB sent) in 5 ms" },
  ]);
});
