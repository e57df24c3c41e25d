/** Who is compared. A new way to use phaul is a line here. */

import type { Contestant } from "./contestant.ts";
import { clientWith, naiveScript } from "./criu_contestants.ts";
import { phaulWith } from "./phaul_contestant.ts";

/** In the order in which they run: how often phaul iterates decides how often the others do. */
export const CONTESTANTS: readonly Contestant[] = [
  phaulWith({
    ...{ name: "phaul", quick: true, usual: true },
    what: "as it is when it is given no flags: TLS, its own choice of iterations, a lazy restore",
  }),
  phaulWith({
    ...{ name: "phaul-eager", quick: false, usual: true },
    what: "phaul with all memory there before the tree runs",
  }, { migrate: "--restore eager" }),
  phaulWith({
    ...{ name: "phaul-budget", quick: false, usual: true },
    what: "phaul that iterates until it predicts a switchover of 300 ms at most",
  }, { migrate: "--max-downtime 300ms" }),
  phaulWith({
    ...{ name: "phaul-hybrid", quick: false, usual: true },
    what: "phaul that copies ahead, and leaves what was written since for afterwards",
  }, { mode: "hybrid" }),
  phaulWith({
    ...{ name: "phaul-post-copy", quick: false, usual: true },
    what: "phaul that copies nothing ahead, and all memory afterwards",
  }, { mode: "post-copy" }),
  phaulWith({
    ...{ name: "phaul-plain", quick: false, usual: false },
    what: "phaul without TLS on both sides",
  }, { plain: true }),
  phaulWith({
    ...{ name: "phaul-direct", quick: false, usual: true },
    what: "phaul with CRIU sending its pages itself, over plain TCP",
  }, { serve: "--direct-port 7285", migrate: "--channel direct" }),
  phaulWith({
    ...{ name: "phaul-2", quick: false, usual: false },
    what: "phaul with at most two pre-dumps",
  }, { migrate: "--max-iters 2" }),
  clientWith({
    ...{ name: "floor", quick: true, usual: true },
    what: "CRIU with nothing around it: a unix page socket, everything prestarted, no copying",
  }, {
    flags: ({ paceMs }) => `--prestart --pace ${paceMs}`,
    preDumps: ({ preDumps }) => preDumps,
  }),
  clientWith({
    ...{ name: "go-phaul", quick: false, usual: true },
    what: "go-criu/phaul's algorithm by our client: one pre-dump, TCP, a copy, no prestart",
  }, { flags: ({ ground }) => `--copy --tcp ${ground.address}`, preDumps: () => 1 }),
  naiveScript({
    ...{ name: "naive", quick: false, usual: true },
    what: "an operator's script: criu's command line over TCP, one step after the other",
  }),
];
