import { assertEquals, assertRejects } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { stoppable } from "../../../src/cli/signals.ts";

/** A signal on its way does not keep Deno's event loop alive; this does. */
function keepAlive(): Disposable {
  const timer = setInterval(() => {}, 1000);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

// SIGINT would end the test runner too, and SIGHUP may be ignored here: tests/cli has both.
Deno.test('stoppable: SIGTERM aborts the work with "cancelled"', async () => {
  using _alive = keepAlive();
  const told: [string, boolean][] = [];
  const work = (signal: AbortSignal) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      Deno.kill(Deno.pid, "SIGTERM");
    });
  const error = await assertRejects(
    () => stoppable(work, (signal, first) => told.push([signal, first])),
    PhaulError,
  );
  assertEquals([error.code, error.message], ["cancelled", "Cancelled by SIGTERM"]);
  assertEquals(told, [["SIGTERM", true]]);
});

Deno.test("stoppable: a second signal is told but changes nothing", async () => {
  using _alive = keepAlive();
  const { promise, resolve } = Promise.withResolvers<string>();
  const told: boolean[] = [];
  const result = await stoppable((signal) => {
    Deno.kill(Deno.pid, "SIGTERM");
    signal.addEventListener("abort", () => Deno.kill(Deno.pid, "SIGTERM"));
    return promise;
  }, (_name, first) => {
    told.push(first);
    if (!first) resolve("done all the same");
  });
  assertEquals([result, told], ["done all the same", [true, false]]);
});
