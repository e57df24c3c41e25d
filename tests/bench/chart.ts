/** Downtime by memory size as a picture: a panel for each ground and family of victims. Pure. */

import { middle, type Result } from "./figures.ts";

const PANEL = { width: 420, height: 230, left: 52, top: 34, bottom: 26, right: 8 } as const;
const PER_ROW = 2;
/** Told apart by people who see few colours, on white and on black. */
const COLOURS = ["#0a84d8", "#e07b00", "#8a6fd1", "#3a9d5d", "#c2417c", "#8c8c8c"] as const;
const LEGEND_HEIGHT = 28;

const STYLE = `text{font:11px sans-serif;fill:#1f2328}.title{font-weight:bold;font-size:12px}
.axis{stroke:#6e7781;stroke-width:1}.grid{stroke:#6e7781;stroke-width:.5;opacity:.4}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.axis,.grid{stroke:#9198a1}}`;

interface Panel {
  readonly ground: string;
  readonly family: string;
  readonly results: readonly Result[];
}

/** The picture as SVG; it has no background, and darkens with its reader's theme. */
export function chart(results: readonly Result[]): string {
  const panels = panelsOf(results);
  const contestants = [...new Set(results.map(({ contestant }) => contestant))];
  const width = PANEL.width * PER_ROW;
  const height = LEGEND_HEIGHT + Math.ceil(panels.length / PER_ROW) * PANEL.height;
  const drawn = panels.map((panel, n) => {
    const x = (n % PER_ROW) * PANEL.width;
    const y = LEGEND_HEIGHT + Math.floor(n / PER_ROW) * PANEL.height;
    return `<g transform="translate(${x} ${y})">${drawPanel(panel, contestants)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" ` +
    `aria-label="Downtime by memory size">`,
    `<style>${STYLE}</style>`,
    ...contestants.map(legendEntry),
    ...drawn,
    "</svg>\n",
  ].join("\n");
}

/** Only families of more than one size, where there are any: the others are in the table. */
function panelsOf(results: readonly Result[]): Panel[] {
  const measured = results.filter(({ figures }) => figures !== undefined);
  const all = [...Map.groupBy(measured, ({ ground, family }) => `${ground}\n${family}`).values()];
  const several = all.filter((group) => new Set(group.map(({ memoryMb }) => memoryMb)).size > 1);
  return (several.length > 0 ? several : all).map((group) => ({
    ground: group[0]?.ground ?? "",
    family: group[0]?.family ?? "",
    results: group,
  }));
}

function legendEntry(name: string, n: number): string {
  const x = PANEL.left + n * 110;
  return `<rect x="${x}" y="8" width="11" height="11" fill="${colour(n)}"/>` +
    `<text x="${x + 16}" y="18">${escaped(name)}</text>`;
}

function drawPanel({ ground, family, results }: Panel, contestants: readonly string[]): string {
  const sizes = [...new Set(results.map(({ memoryMb }) => memoryMb))].toSorted((a, b) => a - b);
  const top = niceTop(Math.max(...results.map(({ figures }) => figures?.downtimeMs ?? 0)));
  const plot = {
    width: PANEL.width - PANEL.left - PANEL.right,
    height: PANEL.height - PANEL.top - PANEL.bottom,
  };
  const yOf = (ms: number) => PANEL.top + plot.height * (1 - ms / top);
  const slot = plot.width / sizes.length;
  const bar = slot * 0.8 / contestants.length;
  const bars = sizes.flatMap((size, s) =>
    contestants.flatMap((contestant, c) => {
      const runs = results.filter((run) => run.memoryMb === size && run.contestant === contestant);
      const ms = middle(runs)?.figures?.downtimeMs;
      if (ms === undefined) return [];
      const x = PANEL.left + slot * (s + 0.1) + bar * c;
      return [drawBar({ x, y: yOf(ms), width: bar, base: yOf(0), ms, fill: colour(c) })];
    })
  );
  return [
    `<text class="title" x="${PANEL.left}" y="16">${escaped(`${family}, ${ground}`)}: ms</text>`,
    ...[0, 0.25, 0.5, 0.75, 1].map((part) => gridLine(yOf(top * part), top * part)),
    ...bars,
    ...sizes.map((size, s) =>
      `<text x="${PANEL.left + slot * (s + 0.5)}" y="${PANEL.height - 10}" ` +
      `text-anchor="middle">${size} MB</text>`
    ),
  ].join("");
}

interface Bar {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly base: number;
  readonly ms: number;
  readonly fill: string;
}

function drawBar({ x, y, width, base, ms, fill }: Bar): string {
  const middleX = (x + width / 2).toFixed(1);
  return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${(width - 1).toFixed(1)}" ` +
    `height="${(base - y).toFixed(1)}" fill="${fill}"/>` +
    `<text x="${middleX}" y="${(y - 2).toFixed(1)}" text-anchor="middle" ` +
    `style="font-size:8px">${ms.toFixed(0)}</text>`;
}

function gridLine(y: number, ms: number): string {
  const kind = ms === 0 ? "axis" : "grid";
  return `<line class="${kind}" x1="${PANEL.left}" x2="${PANEL.width - PANEL.right}" ` +
    `y1="${y.toFixed(1)}" y2="${y.toFixed(1)}"/>` +
    `<text x="${PANEL.left - 5}" y="${(y + 4).toFixed(1)}" text-anchor="end">${ms}</text>`;
}

/** The next number of the form 1, 2, 4 or 8 times a power of ten: a quarter of it is short, too. */
function niceTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return ([1, 2, 4, 8].find((step) => step * power >= value) ?? 10) * power;
}

function colour(n: number): string {
  return COLOURS[n % COLOURS.length] ?? COLOURS[0];
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
