/** A folder for one test. */

/** Removed with all that is in it when it is disposed of. */
export class Temporary implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "phaul-pages-test-" });

  /** A new folder in it. */
  sub(name: string): string {
    Deno.mkdirSync(`${this.path}/${name}`);
    return `${this.path}/${name}`;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}
