import { assertEquals } from "@std/assert";
import { ROOT } from "./project.ts";

/** Paths that exist on one machine only; written so that this file does not match itself. */
const MACHINE_PATHS = new RegExp(
  [
    "(?<![\\w}])/" + "work/(main|shared|\\.)",
    "/" + "root/\\.(cache|npm|local)",
    "/" + "home/\\w+",
    "bash_" + "jobs",
  ].join("|"),
);

async function git(args: readonly string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command("git", {
      args: ["-C", ROOT, ...args],
      stderr: "null",
    }).output();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function trackedFiles(): Promise<string[]> {
  return (await git(["ls-files", "-z"]))?.split("\0").filter((path) => path !== "") ?? [];
}

Deno.test({
  name: "files: name no path of one machine",
  // An unpacked archive has no list of its files.
  ignore: await git(["rev-parse", "HEAD"]) === undefined,
  async fn() {
    const offences: string[] = [];
    for (const path of await trackedFiles()) {
      const text = await Deno.readTextFile(ROOT + path).catch(() => "");
      const line = text.split("\n").findIndex((one) => MACHINE_PATHS.test(one));
      if (line !== -1) offences.push(`${path}:${line + 1}`);
    }
    assertEquals(offences, []);
  },
});

Deno.test({
  name: "commits: name no path of one machine",
  ignore: await git(["rev-parse", "HEAD"]) === undefined,
  async fn() {
    const log = await git(["log", "--format=%h %B%x00"]) ?? "";
    const offences = log.split("\0").filter((message) => MACHINE_PATHS.test(message));
    assertEquals(offences.map((message) => message.trim().split("\n")[0]), []);
  },
});
