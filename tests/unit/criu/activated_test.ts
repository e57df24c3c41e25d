import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ACTIVATED, connectCriu } from "../../../src/criu/activated.ts";
import { PhaulError } from "../../../src/errors.ts";
import { loadLibc } from "../../../src/sys/mod.ts";
import { Activator } from "./activation.ts";

loadLibc();

async function refusal(path: string): Promise<PhaulError> {
  return await assertRejects(() => connectCriu(path, ACTIVATED), PhaulError);
}

// cat answers whatever it is asked, and that is all that is asked of it here.
Deno.test("connectCriu: holds the process that answers, not the one that listens", async () => {
  using activator = new Activator("cat");
  using criu = await connectCriu(activator.path, ACTIVATED);
  assertEquals(criu.pid, activator.children[0]?.pid);
  await criu.send(new TextEncoder().encode("question"));
  const message = await criu.receive();
  assertEquals(new TextDecoder().decode(message?.data), "question");
  criu.kill();
  await criu.exited;
  assertEquals(await criu.receive(), null);
  assertStringIncludes(criu.obituary(), "journalctl");
  criu.kill();
});

Deno.test("connectCriu: each connection finds one of its own, which ends with it", async () => {
  using activator = new Activator("cat");
  const first = await connectCriu(activator.path, ACTIVATED);
  using second = await connectCriu(activator.path, ACTIVATED);
  first[Symbol.dispose]();
  // By the end of its connection or by the signal, whichever it sees first.
  await activator.children[0]?.wait();
  await second.send(new Uint8Array(1));
  assertEquals((await second.receive())?.data.length, 1);
});

Deno.test("connectCriu: nobody at the socket, or a criu that ends at once, is told with what to do", async () => {
  const missing = await refusal("/does/not/exist");
  assertEquals(missing.code, "criu-missing");
  assertStringIncludes(missing.remedy ?? "", "systemctl start phaul-criu.socket");
  using activator = new Activator("true");
  const ended = await refusal(activator.path);
  assertEquals(ended.code, "criu-failed");
  assertStringIncludes(ended.message, "it ended before it answered");
});
