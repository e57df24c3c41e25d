/**
 * What a report carries with it. Loaded only for a report: it is much text.
 *
 * @module
 */

import type { PageAssets } from "./page.ts";

/** The texts, out of this program. */
export async function loadAssets(): Promise<PageAssets> {
  const [style, script, library, libraryStyle] = await Promise.all([
    import("./style.css", { with: { type: "text" } }),
    import("./charts.js", { with: { type: "text" } }),
    import("uplot/dist/uPlot.iife.min.js", { with: { type: "text" } }),
    import("uplot/dist/uPlot.min.css", { with: { type: "text" } }),
  ]);
  return {
    style: style.default,
    script: script.default,
    library: library.default,
    libraryStyle: libraryStyle.default,
  };
}
