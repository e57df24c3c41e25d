import { assertEquals, assertStringIncludes } from "@std/assert";
import { confinements } from "../../../src/proc/mod.ts";

interface FakeTask {
  readonly noNewPrivileges?: number;
  readonly bounds?: string;
  readonly mounts?: string;
}

/** What is found in a /proc with these two processes. */
function found(self: FakeTask, init: FakeTask = {}): string[] {
  const root = Deno.makeTempDirSync();
  try {
    for (const [name, task] of Object.entries({ self, 1: init })) {
      const { noNewPrivileges = 0, bounds = "000001ffffffffff", mounts = "mnt:[1]" } = task;
      Deno.mkdirSync(`${root}/${name}/ns`, { recursive: true });
      const status = `Name:\tphaul\nCapBnd:\t${bounds}\nNoNewPrivs:\t${noNewPrivileges}\n`;
      Deno.writeTextFileSync(`${root}/${name}/status`, status);
      if (mounts !== "") Deno.symlinkSync(mounts, `${root}/${name}/ns/mnt`);
    }
    return confinements("self", root);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

Deno.test("confinements: none where phaul is as free as init", () => {
  assertEquals(found({}), []);
});

Deno.test("confinements: each one is told, with the directive that brings it about", () => {
  for (
    const [task, directive] of [
      [{ noNewPrivileges: 1 }, "NoNewPrivileges="],
      [{ bounds: "00000000000000ff" }, "CapabilityBoundingSet="],
      [{ mounts: "mnt:[2]" }, "PrivateTmp="],
    ] as const
  ) {
    const warnings = found(task);
    assertEquals(warnings.length, 1, directive);
    assertStringIncludes(warnings[0] ?? "", directive);
  }
});

Deno.test("confinements: what all in a container share is none", () => {
  const contained = { noNewPrivileges: 1, bounds: "00000000000000ff" };
  assertEquals(found(contained, contained), []);
});

Deno.test("confinements: namespaces that may not be looked at are not guessed", () => {
  assertEquals(found({ mounts: "mnt:[2]" }, { mounts: "" }), []);
});

Deno.test("confinements: more than init has is no loss", () => {
  assertEquals(found({}, { noNewPrivileges: 1, bounds: "00000000000000ff" }), []);
});
