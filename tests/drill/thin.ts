/** The rows of a thin run: each pair and each kind of fault once, and little more. Pure. */

import { type Fault, faultName, pairKey, type Row } from "./row.ts";

/**
 * As few of `rows`, which are all of one place, as prove together what all of them do, one by one: they
 * come by every pair, bring every fault, do every act to some message and something to every message.
 * In a guest, where a row takes a minute, one fault of each kind is enough, but every reset.
 *
 * The row that adds most comes first; of those that add as much, the one whose fault came least so far,
 * so that faults are spread over the pairs. The same rows give the same choice.
 */
export function thinned(rows: readonly Row[]): Row[] {
  const open = new Set(rows.flatMap(provenBy));
  const taken = new Set<Row>();
  const uses = new Map<string, number>();
  const usesOf = (row: Row) => uses.get(faultKey(row)) ?? 0;
  while (open.size > 0) {
    let best: Row | undefined;
    let most = 0;
    for (const row of rows) {
      const adds = provenBy(row).filter((what) => open.has(what)).length;
      const better = adds > most || adds === most && best && usesOf(row) < usesOf(best);
      if (adds === 0 || !better) continue;
      best = row;
      most = adds;
    }
    if (best === undefined) break;
    taken.add(best);
    uses.set(faultKey(best), usesOf(best) + 1);
    for (const what of provenBy(best)) open.delete(what);
  }
  return rows.filter((row) => taken.has(row));
}

/** What a row proves, in words that are equal where rows prove the same. */
export function provenBy(row: Row): string[] {
  const outcome = row.expected === "lost" ? [row.expected] : [];
  const moment = row.inDrain ? ["in the drain"] : [];
  return [`pair ${pairKey(row.pair)}`, ...provenByFault(row), ...outcome, ...moment];
}

function provenByFault(row: Row): string[] {
  const { place, fault } = row;
  if (fault.kind === "message") return [`message ${fault.message}`, faultKey(row)];
  return [place === "lane" ? `kind ${fault.kind}` : faultKey(row)];
}

/** The fault, whatever the message is. */
function faultKey({ fault }: { readonly fault: Fault }): string {
  return fault.kind === "message" ? `act ${fault.act}` : `fault ${faultName(fault)}`;
}
