/** Two hosts on which contestants run side by side. */

/** Where a command runs: on either host, or outside of both, where one sees them both. */
export type Where = "source" | "destination" | "around";

/** Kinds of grounds. */
export const PLACES = ["lane", "host"] as const;

/** A kind of ground: one guest that counts instructions, or this machine. */
export type Place = (typeof PLACES)[number];

/** One ground, made once for many runs. Its owner disposes of it. */
export interface Ground extends AsyncDisposable {
  readonly place: Place;
  /** For people: the place and its CRIU. */
  readonly title: string;
  /** Whether there is dirty tracking; without it everything is stop-and-copy. */
  readonly preDumps: boolean;
  /** Path of the criu of both hosts. */
  readonly criu: string;
  readonly phaul: string;
  /** Folder of the benchmark's programs. */
  readonly programs: string;
  /** In memory, and seen by both hosts. */
  readonly dir: string;
  /** Address of the destination on the network between the hosts. */
  readonly address: string;
  /** First processes of the hosts, as they are numbered around them. */
  readonly inits: { readonly source: number; readonly destination: number };

  /**
   * Runs a bash script to its end and returns what it printed. What it started in a session of its own
   * runs on.
   *
   * @throws Error with the script's last words when it fails
   */
  run(where: Where, script: string): Promise<string>;
}
