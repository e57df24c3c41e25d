import { assertEquals, assertThrows } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { readMigrate } from "../../../src/cli/migrate.ts";

function read(...args: string[]) {
  return readMigrate([...args, "--peer=dst"]);
}

Deno.test("readMigrate: each way to name the process", () => {
  assertEquals(read("--pid=7").victim, { by: "pid", pid: 7 });
  assertEquals(read("--name", "redis-server").victim, { by: "name", name: "redis-server" });
  assertEquals(read("--pidfile=/run/x.pid").victim, { by: "pidfile", path: "/run/x.pid" });
  assertEquals(read("--unit=web").victim, { by: "unit", unit: "web" });
});

Deno.test("readMigrate: whoever names the unit has it released", () => {
  assertEquals(read("--unit=web").options.releaseUnit, true);
  assertEquals(read("--pid=7").options.releaseUnit, false);
});

for (const args of [[], ["--pid=7", "--name=x"], ["--unit=a", "--pidfile=/x"], ["--name="]]) {
  Deno.test(`readMigrate: refuses ${args.join(" ") || "none of them"}`, () => {
    assertEquals(assertThrows(() => read(...args), PhaulError).code, "usage");
  });
}
