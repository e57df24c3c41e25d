import { assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { findCriu, requireCriu } from "../../../src/criu/mod.ts";
import { PhaulError } from "../../../src/errors.ts";

function version(major: number, minor: number, sub = 0) {
  return { major, minor, sub, text: `${major}.${minor}.${sub}` };
}

Deno.test("findCriu: takes the program that is named, and nothing in its place", async () => {
  assertEquals(await findCriu("/bin/sh"), "/bin/sh");
  for (const path of ["/nowhere/criu", "/etc/passwd", "/tmp"]) {
    const error = await assertRejects(() => findCriu(path));
    assertInstanceOf(error, PhaulError);
    assertEquals(error.code, "criu-missing");
    assertEquals(error.message.includes(`"${path}"`), true);
    assertEquals(error.remedy?.includes("apt-get install criu"), true);
  }
});

Deno.test("findCriu: searches PATH first", async () => {
  const dir = await Deno.makeTempDir();
  const path = Deno.env.get("PATH") ?? "";
  try {
    await Deno.writeTextFile(`${dir}/criu`, "#!/bin/sh\n", { mode: 0o755 });
    Deno.env.set("PATH", `${dir}:${path}`);
    assertEquals(await findCriu(), `${dir}/criu`);
  } finally {
    Deno.env.set("PATH", path);
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("requireCriu: 3.17 is the oldest", () => {
  for (const good of [version(3, 17), version(3, 17, 1), version(4, 0), version(5, 2)]) {
    requireCriu(good);
  }
  for (const old of [version(3, 16, 1), version(2, 20), version(0, 0)]) {
    const error = assertThrows(() => requireCriu(old));
    assertInstanceOf(error, PhaulError);
    assertEquals(error.code, "criu-too-old");
  }
});
