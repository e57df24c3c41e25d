/**
 * A migration as a page for a browser: one file, which needs no network.
 *
 * @module
 */

import { SEVERITIES } from "../../haul/check_codes.ts";
import type { FindingNote, HostVersions } from "../../haul/events.ts";
import type { HistoryEntry } from "../../haul/history.ts";
import type { MigrationDetails } from "../../haul/record.ts";
import { count, showBytes, showMs, showRate } from "../figures.ts";
import { chartData } from "./chart_data.ts";
import { html, Markup, raw } from "./html.ts";
import { keyFigures } from "./key_figures.ts";
import { timeline } from "./timeline.ts";

/** What the page carries with it, as text. */
export interface PageAssets {
  readonly style: string;
  /** Draws what is in the element `data`. */
  readonly script: string;
  /** The library that it draws with. */
  readonly library: string;
  readonly libraryStyle: string;
}

/** The page on `entry`. What processes, files and the peer are called is shown, and never markup. */
export function reportPage(entry: HistoryEntry, assets: PageAssets): string {
  const { details } = entry;
  const title = `${entry.comm ?? `process ${entry.pid}`}: a migration by phaul`;
  return html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>${title}</title>
        <style>
        ${raw(assets.libraryStyle)}${raw(assets.style)}
        </style>
      </head>
      <body>
        <main>
          ${header(entry)} ${figures(entry)} ${timeline(entry)} ${charts(entry)} ${iterations(
            details,
          )} ${checks(details.findings)} ${hosts(entry)}
        </main>
        <script type="application/json" id="data">
        ${raw(jsonInScript(chartData(details)))}
        </script>
        <script>
        ${raw(assets.library)}
        </script>
        <script>
        ${raw(assets.script)}
        </script>
      </body>
    </html>
  `.text;
}

function header(entry: HistoryEntry): Markup {
  const { pid, comm, peer, side, failure, whereabouts, details, migration } = entry;
  const who = comm === undefined ? `Process ${pid}` : `${comm} (process ${pid})`;
  const when = `Begun ${clock(details.begunAt)}, ended ${clock(entry.at)}.`;
  const way = side === "source" ? `to ${peer}` : `from ${peer}`;
  const verdict = failure && whereabouts === "in-doubt"
    ? html`
      <p class="verdict failed">
        <strong>In doubt.</strong> ${failure.message}
        <span class="code">${failure.code}</span>
      </p>
    `
    : failure
    ? html`
      <p class="verdict failed">
        <strong>Not moved.</strong> ${failure.message}
        <span class="code">${failure.code}</span>
      </p>
    `
    : html`
      <p class="verdict moved"><strong>Moved.</strong> It runs on the destination.</p>
    `;
  return html`
    <header>
      <p class="kicker">phaul · migration ${migration.slice(0, 8)}</p>
      <h1>${who} ${way}</h1>
      ${verdict}
      <p class="when">${when} The process is ${WHERE[whereabouts]}.</p>
    </header>
  `;
}

/** ISO 8601 as people read it. */
function clock(at: string): string {
  return at.replace(/^(\S+)T([\d:]+)\.\d+Z$/, "$1 $2 UTC");
}

const WHERE: Readonly<Record<HistoryEntry["whereabouts"], string>> = {
  "source": "on the source",
  "destination": "on the destination",
  "in-doubt": "in doubt: phaul recover tells",
  "gone": "gone: it had ended by itself",
};

function figures(entry: HistoryEntry): Markup {
  const tiles = keyFigures(entry).map(({ name, value, remark }) =>
    html`
      <div class="tile">
        <dt>${name}</dt>
        <dd>${value}</dd>${remark === undefined ? "" : html`
          <dd class="remark">${remark}</dd>
        `}
      </div>
    `
  );
  return html`
    <dl class="tiles">${tiles}</dl>
  `;
}

function charts({ details }: HistoryEntry): Markup {
  if (details.iterations.length === 0 && details.transfer.length < 2) {
    return html`

    `;
  }
  return html`
    <section class="charts">
      ${details.iterations.length === 0 ? "" : html`
        <figure>
          <figcaption>
            <h2>Pages of each iteration</h2>
            <p class="remark">Bars: what was copied. Line: how fast the process wrote meanwhile.</p>
          </figcaption>
          <div class="chart" id="iterations"></div>
        </figure>
      `} ${details.transfer.length < 2 ? "" : html`
        <figure>
          <figcaption>
            <h2>Transfer</h2>
            <p class="remark">
              Memory that left the process, a second. The rest of the time CRIU looks for what was written,
              or the hosts agree.
            </p>
          </figcaption>
          <div class="chart" id="transfer"></div>
        </figure>
      `}
      <noscript><p>The charts are drawn by JavaScript; all figures are in the tables.</p></noscript>
    </section>
  `;
}

function iterations({ iterations }: MigrationDetails): Markup {
  if (iterations.length === 0) {
    return html`

    `;
  }
  const rows = iterations.map((one) => {
    const { bytes, sentBytes = bytes, durationMs, frozenTimeUs } = one;
    const rate = one.final ? "" : showRate(bytes, durationMs);
    return html`
      <tr>
        <th scope="row">${one.final ? "final dump" : one.iteration}</th>
        <td>${one.pagesWritten}</td>
        <td>${showBytes(bytes)}</td>
        <td>${showBytes(sentBytes)}</td>
        <td>${showMs(durationMs)}</td>
        <td>${rate}</td>
        <td>${frozenTimeUs === undefined ? "" : showMs(frozenTimeUs / 1000)}</td>
      </tr>
    `;
  });
  const heads = ["Iteration", "Pages", "Memory", "Sent", "Took", "Rate", "Frozen by CRIU"];
  return html`
    <section>
      <h2>Iterations</h2>
      <div class="wide">
        <table class="numbers">
          <thead><tr>${heads.map((head) =>
            html`
              <th scope="col">${head}</th>
            `
          )}</tr></thead>
          <tbody>${rows}</tbody>
        </table>
      </div>
    </section>
  `;
}

function checks(findings: readonly FindingNote[]): Markup {
  const sorted = SEVERITIES.flatMap((one) => findings.filter(({ severity }) => severity === one));
  const rows = sorted.map(({ severity, code, on, message }) =>
    html`
      <tr class="${severity}">
        <td><span class="badge">${severity}</span></td>
        <td class="code">${code}</td>
        <td>${on}</td>
        <td>${message}</td>
      </tr>
    `
  );
  return html`
    <section><h2>Checks</h2>${rows.length === 0
      ? html`
        <p>Nothing was found that would stop or spoil it.</p>
      `
      : html`
        <p class="remark">${count(rows.length, "finding")} before anything was touched.</p>
        <div class="wide">
          <table>
            <thead>
              <tr>
                <th scope="col">Severity</th>
                <th scope="col">Code</th>
                <th scope="col">Of</th>
                <th scope="col">Finding</th>
              </tr>
            </thead>
            <tbody>${rows}</tbody>
          </table>
        </div>
      `}</section>
  `;
}

function hosts({ details: { hosts }, side, peer }: HistoryEntry): Markup {
  if (!hosts) {
    return html`

    `;
  }
  const row = (name: string, host: HostVersions | undefined) =>
    host === undefined ? "" : html`
      <tr>
        <th scope="row">${name}</th>
        <td>CRIU ${host.criuVersion}</td>
        <td>Linux ${host.kernel}</td>
        <td>${host.arch}</td>
      </tr>
    `;
  const there = side === "source" ? `Destination, ${peer}` : "Destination";
  return html`
    <section>
      <h2>Hosts</h2>
      <div class="wide">
        <table>
          <tbody>
            ${row("Source", hosts.source)}${row(there, hosts.destination)}
          </tbody>
        </table>
      </div>
    </section>
  `;
}

/** JSON cannot end the script element that it stands in. */
function jsonInScript(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}
