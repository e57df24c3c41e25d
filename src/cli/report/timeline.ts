/**
 * The timelines of a report.
 *
 * @module
 */

import type { HistoryEntry } from "../../haul/history.ts";
import { showMs } from "../figures.ts";
import { html, type Markup } from "./html.ts";
import { type Lane, lanesOf, switchoverLanes } from "./lanes.ts";

/** Both: of the whole migration, and of its switchover if it came to that. */
export function timeline(entry: HistoryEntry): Markup {
  const whole = lanesOf(entry);
  if (whole.length === 0) {
    return html`

    `;
  }
  const close = switchoverLanes(entry);
  return html`
    <section>
      <h2>Timeline</h2>
      ${lanes(whole)} ${close.length === 0 ? "" : html`
        <h3>The switchover</h3>
        <p class="remark">
          What the destination did is placed by when its answers came, so it is late by the link's delay.
        </p>
        ${lanes(close)}
      `}
    </section>
  `;
}

/** Each lane is a row: its name, its bar, its time. The bars of one figure share a scale. */
function lanes(all: readonly Lane[]): Markup {
  const from = Math.min(...all.map(({ fromMs }) => fromMs));
  const length = Math.max(1, Math.max(...all.map(({ toMs }) => toMs)) - from);
  const rows = all.map(({ name, on, fromMs, toMs }) => {
    const left = (100 * (fromMs - from)) / length;
    const width = (100 * (toMs - fromMs)) / length;
    const where = `left:${left.toFixed(2)}%;width:max(2px,${width.toFixed(2)}%)`;
    const took = toMs - fromMs;
    return html`
      <tr class="${on}">
        <th scope="row">${name}</th>
        <td class="track"><span style="${where}"></span></td>
        <td class="took" title="${fromMs.toFixed(1)} to ${toMs.toFixed(1)} ms">${exactly(took)}</td>
      </tr>
    `;
  });
  return html`
    <table class="lanes">
      <thead class="hidden">
        <tr>
          <th>What</th>
          <th>When</th>
          <th>How long</th>
        </tr>
      </thead>
      <tbody>${rows}</tbody>
    </table>
    <p class="legend">
      <span class="key source"></span>source <span class="key destination"></span>destination
      <span class="scale">${exactly(length)} in all</span>
    </p>
  `;
}

/** To the millisecond, where a person may want to know. */
function exactly(ms: number): string {
  return ms < 10_000 ? `${ms.toFixed(ms < 10 ? 1 : 0)} ms` : showMs(ms);
}
