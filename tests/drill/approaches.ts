/** How a migration gets to pairs beside its course: what has to happen first, and where. Pure data. */

import type { Pair, Side } from "../../src/migrate/tables.ts";
import { entryOf } from "./course.ts";
import type { Approach, Fault } from "./row.ts";

const kill = (part: Extract<Fault, { kind: "kill" }>["part"]): Fault => ({ kind: "kill", part });
const stop = (part: Extract<Fault, { kind: "stop" }>["part"]): Fault => ({ kind: "stop", part });
const signal = (to: "source"): Fault => ({ kind: "signal", to });

/** What brings an event about when it comes just after the side got into the state. */
const CAUSES: Readonly<Record<Side, Readonly<Record<string, Readonly<Record<string, Fault>>>>>> = {
  source: {
    copying: { cancel: signal("source"), "peer-lost": kill("destination phaul") },
    dumping: {
      cancel: signal("source"),
      "criu-ended": kill("source criu"),
      stalled: stop("source criu"),
    },
    frozen: {
      cancel: signal("source"),
      // Were its phaul killed, the page channel would break as well, and which comes first is a race.
      "peer-lost": { kind: "cut" },
      "criu-ended": kill("source criu"),
      failed: kill("destination criu"),
    },
    intended: {
      cancel: signal("source"),
      "peer-lost": kill("destination phaul"),
      failed: kill("source criu"),
    },
    committed: {
      cancel: signal("source"),
      "peer-lost": kill("destination phaul"),
      stalled: stop("source criu"),
    },
    "handing-over": {
      cancel: signal("source"),
      "peer-lost": kill("destination phaul"),
      "gave-up": kill("destination phaul"),
    },
  },
  destination: {
    receiving: {
      abort: signal("source"),
      "peer-lost": kill("source phaul"),
    },
    restoring: {
      abort: signal("source"),
      "peer-lost": kill("source phaul"),
      failed: kill("destination criu"),
    },
    prepared: {
      abort: signal("source"),
      "peer-lost": kill("source phaul"),
      "tree-lost": kill("copy"),
    },
  },
};

/** The stage at which a side can be kept in a state that it would leave before anything else can come. */
const HOOKS: Readonly<Record<string, string>> = {
  "source frozen": "frozen",
  "source intended": "prepared",
};

/** What lies further off: the side goes on from where the first fault led it. */
const FURTHER: readonly (Pair & Approach)[] = [
  {
    ...{ side: "destination", state: "receiving", event: "failed" },
    at: { side: "source", state: "copying", event: "copied" },
    first: { kind: "fill", disk: "destination work" },
  },
  {
    ...{ side: "source", state: "rolling-back", event: "criu-ended" },
    at: { side: "source", state: "dumping", event: "dumped" },
    first: signal("source"),
  },
  {
    ...{ side: "destination", state: "discarding", event: "cleared" },
    at: { side: "destination", state: "receiving", event: "prepare" },
    first: kill("source phaul"),
  },
  {
    ...{ side: "destination", state: "lost", event: "commit" },
    at: { side: "destination", state: "restoring", event: "written" },
    first: kill("copy"),
  },
  {
    ...{ side: "destination", state: "reviving", event: "restored" },
    at: { side: "destination", state: "restoring", event: "written" },
    first: kill("copy"),
  },
];

/** Where phaul dies, for the journal that it leaves to be found as the event says. */
const CRASHES: Readonly<Record<Side, Readonly<Record<string, Pair>>>> = {
  source: {
    "was-begun": { side: "source", state: "copying", event: "copied" },
    "was-intended": { side: "source", state: "intended", event: "stopped" },
    "was-committed": { side: "source", state: "committed", event: "dead" },
  },
  destination: {
    "was-begun": { side: "destination", state: "receiving", event: "prepare" },
    "was-prepared": { side: "source", state: "frozen", event: "ready" },
    "was-accepted": { side: "destination", state: "prepared", event: "written" },
    "was-continued": { side: "source", state: "handing-over", event: "acknowledged" },
  },
};

/** Every pair that has an approach, with it. */
export function approaches(): { readonly pair: Pair; readonly approach: Approach }[] {
  const near = (["source", "destination"] as const).flatMap((side) =>
    Object.entries(CAUSES[side]).flatMap(([state, events]) => {
      const at = entryOf(side, state);
      if (!at) return [];
      return Object.entries(events).map(([event, first]) => ({
        pair: { side, state, event },
        approach: { at, first, hook: HOOKS[`${side} ${state}`] },
      }));
    })
  );
  const far = FURTHER.map(({ side, state, event, at, first }) => ({
    pair: { side, state, event },
    approach: { at, first },
  }));
  const reopened = (["source", "destination"] as const).flatMap((side) =>
    Object.entries(CRASHES[side]).map(([event, at]) => ({
      pair: { side, state: "reopened", event },
      approach: {
        at,
        first: kill(`${side} phaul`),
        then: side === "source" ? "recover" as const : "serve" as const,
      },
    }))
  );
  return [...near, ...far, ...reopened];
}
