/**
 * The programs of this host that filter packets.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";

/**
 * Runs a program of this host with `stdin` and resolves to its standard output; rejects with Deno.errors.NotFound
 * when there is no such program, with an Error that holds its last words when it fails.
 */
export type ToolRunner = (
  program: string,
  args: readonly string[],
  stdin?: string,
) => Promise<string>;

/** Runs programs of this host. */
export const runTool: ToolRunner = async (program, args, stdin = "") => {
  const child = new Deno.Command(program, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { LC_ALL: "C" },
  }).spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  // A program that fails at once leaves its input unread; its last words tell more.
  await writer.write(new TextEncoder().encode(stdin)).then(() => writer.close()).catch(() => {});
  const { success, code, stdout, stderr } = await output;
  if (success) return new TextDecoder().decode(stdout);
  const words = new TextDecoder().decode(stderr).trim();
  throw new PhaulError("syscall", `Cannot run ${program}: ${words || `exit code ${code}`}`);
};

/** What `program` prints; undefined when this host has none, or the kernel not what it needs. */
export async function outputOf(
  run: ToolRunner,
  program: string,
  args: readonly string[],
): Promise<string | undefined> {
  return await run(program, args).catch(() => undefined);
}
