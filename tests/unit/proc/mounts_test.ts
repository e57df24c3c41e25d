import { assertEquals } from "@std/assert";
import { contains, mountOf } from "../../../src/proc/mounts.ts";

const MOUNTS = `22 1 0:20 / / rw - ext4 /dev/vda rw
30 22 0:30 / /srv rw shared:1 - tmpfs tmpfs rw
31 22 0:31 / /srv/with\\040blank rw - tmpfs tmpfs rw
32 22 0:32 / /srv rw - xfs /dev/vdb rw
`;

Deno.test("mountOf: the deepest, and of two at one place the later", () => {
  assertEquals(mountOf("/etc/x", MOUNTS), { id: 22, point: "/" });
  assertEquals(mountOf("/srv", MOUNTS), { id: 32, point: "/srv" });
  assertEquals(mountOf("/srv/with blank/x", MOUNTS), { id: 31, point: "/srv/with blank" });
  assertEquals(mountOf("/srvx", MOUNTS), { id: 22, point: "/" });
});

Deno.test("contains: by whole names", () => {
  assertEquals([contains("/a", "/a"), contains("/a", "/a/b"), contains("/", "/a")], [
    true,
    true,
    true,
  ]);
  assertEquals([contains("/a", "/ab"), contains("/a/b", "/a")], [false, false]);
});
