/** Commands on this machine. */

/** A command on this machine failed; the message holds its last words. */
export class HostCommandError extends Error {
  override readonly name = "HostCommandError";
}

/** What {@linkcode runHere} takes besides the command. */
export interface RunHereOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
}

/**
 * Runs a command on this machine and returns its stdout.
 *
 * @throws {HostCommandError} when it ends with another code than 0 or cannot be started.
 */
export async function runHere(
  command: string,
  args: readonly string[],
  options: RunHereOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await output(command, args, options);
  if (code === 0) return new TextDecoder().decode(stdout);
  const words = new TextDecoder().decode(stderr.length > 0 ? stderr : stdout).trim();
  throw new HostCommandError(
    `Cannot run "${command} ${args.join(" ").slice(0, 200)}": exit code ${code}\n${
      words.slice(-2000)
    }`,
  );
}

/** Whether a command of that name is on PATH or where root's commands are. */
export function hasCommand(name: string): boolean {
  const dirs = `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`.split(":");
  return dirs.some((dir) => dir !== "" && exists(`${dir}/${name}`));
}

/** Whether something is at `path`. */
export function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}

async function output(
  command: string,
  args: readonly string[],
  options: RunHereOptions,
): Promise<Deno.CommandOutput> {
  // A user's PATH on Debian lacks the sbin directories, where mke2fs and ldconfig are.
  const PATH = `${Deno.env.get("PATH") ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`;
  try {
    return await new Deno.Command(command, {
      args: [...args],
      cwd: options.cwd,
      env: { PATH, LC_ALL: "C", ...options.env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
  } catch (cause) {
    throw new HostCommandError(`Cannot start "${command}"`, { cause });
  }
}
