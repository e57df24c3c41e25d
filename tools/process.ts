/**
 * Runs programs for the tools: Deno itself always by its own path, because a machine may have none
 * on PATH (`npx deno` brings one along).
 *
 * @module
 */

/** How a program ended and what it printed; both texts are empty when they were passed through. */
export interface Outcome {
  /** Exit code; 128 + signal number when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a program is to be run. */
export interface RunOptions {
  readonly cwd?: string;
  /** Added to the environment, or all of it with `clearEnv`. */
  readonly env?: Record<string, string>;
  readonly clearEnv?: boolean;
  /** What it prints goes straight to the terminal instead of into the outcome. */
  readonly show?: boolean;
}

/** The project's folder, with a slash at its end. */
export const ROOT: string = new URL("..", import.meta.url).pathname;

/** The flags that pin every npm package to deno.lock; see `tools/lock.ts`. */
export const LOCKED: readonly string[] = [`--lock=${ROOT}deno.lock`, "--frozen"];

/** The same for what drives a browser, whose packages have no place in the binary. */
export const BROWSER_LOCKED: readonly string[] = [
  `--lock=${ROOT}tests/browser/deno.lock`,
  "--frozen",
];

/**
 * Runs `command` to its end, without standard input.
 *
 * @throws {Deno.errors.NotFound} When there is no such program.
 */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const how = options.show === true ? "inherit" : "piped";
  const child = new Deno.Command(command, {
    args: [...args],
    cwd: options.cwd ?? ROOT,
    env: options.env,
    clearEnv: options.clearEnv,
    stdin: "null",
    stdout: how,
    stderr: how,
  });
  if (options.show === true) {
    return { code: (await child.spawn().status).code, stdout: "", stderr: "" };
  }
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs the Deno that runs this tool; see {@linkcode run}. */
export function runDeno(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return run(Deno.execPath(), args, options);
}

/**
 * Fetches all that the program at `path` imports, for a place without a network.
 *
 * @throws Error with Deno's words
 */
export async function fetchModules(path: string): Promise<void> {
  const { code, stderr } = await runDeno(["cache", "--quiet", ...LOCKED, path]);
  if (code !== 0) throw new Error(`Cannot fetch what "${path}" imports: ${stderr.trim()}`);
}

/** True when a file or folder exists at `path`. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** SHA-256 of `data` as 64 lower-case hex digits. */
export async function sha256Hex(data: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
