/**
 * What this program knows of its own making.
 *
 * @module
 */

import project from "../../deno.json" with { type: "json" };

/** Where the running program came from. */
export interface BuildInfo {
  /** phaul's own version. */
  readonly version: string;
  /** "source" when run by Deno from a working tree. */
  readonly kind: "release" | "development" | "source";
  /** The commit it was built from, with 40 hex digits; absent when built outside a clone. */
  readonly commit?: string;
  /** True when the sources differed from that commit. */
  readonly modified: boolean;
}

/**
 * Reads what `tools/build.ts` embedded. The file of a working tree is not looked at when the program
 * runs from sources: it describes the last build, not these.
 */
export function readBuildInfo(): BuildInfo {
  const { version } = project;
  if (!Deno.build.standalone) return { version, kind: "source", modified: false };
  const embedded = new URL("../../build/build-info.json", import.meta.url);
  const baked: Omit<BuildInfo, "version"> = JSON.parse(Deno.readTextFileSync(embedded));
  return { ...baked, version };
}
