/** Waiting for what a shared, slow machine does sooner or later. */

/** No assertion: only the point at which a test that hangs is ended. */
const DEADLINE_MS = 120_000;
const PAUSE_MS = 20;

/**
 * Looks again and again until `look` gives something.
 *
 * @throws Error naming `what` when that takes far too long, and what `look` throws
 */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`Waited in vain: ${what}`);
    await pause(PAUSE_MS);
  }
}

/** A moment for others to work in. */
export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** The text of a file once it has one. */
export async function appears(path: string): Promise<string> {
  return await until(`"${path}" appears`, async () => (await textOf(path)) || undefined);
}

/** The text of a file, empty when there is none. */
export async function textOf(path: string): Promise<string> {
  return await Deno.readTextFile(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  });
}
