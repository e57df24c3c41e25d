import { assertEquals } from "@std/assert";
import { DRAINED } from "../../../src/pages/fault_messages.ts";
import { lazyStateIn } from "../../../src/pages/mod.ts";
import { loadLibc, lockFile, openFile } from "../../../src/sys/mod.ts";
import { Temporary } from "./temporary.ts";

loadLibc();

Deno.test("lazyStateIn: without a state file no lazy restore was begun", () => {
  using dir = new Temporary();
  assertEquals(lazyStateIn(dir.path), "none");
  assertEquals(lazyStateIn(`${dir.path}/missing`), "none");
});

Deno.test("lazyStateIn: its server lives as long as somebody has the lock", () => {
  using dir = new Temporary();
  {
    using state = openFile(`${dir.path}/lazy-state`, "update");
    assertEquals(lockFile(state), true);
    assertEquals(lazyStateIn(dir.path), "draining");
    assertEquals(lazyStateIn(dir.path), "draining", "looking changes nothing");
  }
  assertEquals(lazyStateIn(dir.path), "lost");
  assertEquals(lazyStateIn(dir.path), "lost", "looking changes nothing");
});

Deno.test("lazyStateIn: once all is filled in, it does not matter who lives", () => {
  using dir = new Temporary();
  Deno.writeTextFileSync(`${dir.path}/lazy-state`, DRAINED);
  assertEquals(lazyStateIn(dir.path), "drained");
  using state = openFile(`${dir.path}/lazy-state`, "update");
  assertEquals(lockFile(state), true);
  assertEquals(lazyStateIn(dir.path), "drained");
});
