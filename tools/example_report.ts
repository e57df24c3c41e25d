/**
 * `deno task example`: a report of a real migration for docs/, and a picture of it.
 *
 * Moves a process between two virtual machines, as the demo does, and shows the report in a browser.
 *
 * @module
 */

import { show } from "../tests/browser/browser.ts";
import { demo, DEMO_REPORT } from "./demo.ts";
import { ROOT } from "./process.ts";
import { ensureHostPackages } from "./setup.ts";

const REPORT = `${ROOT}docs/example-report.html`;
const PICTURE = `${ROOT}docs/example-report.png`;
/** As wide as the page is when it has all the room it wants. */
const LOOK = { width: 1040, height: 1080, light: "light" } as const;

await ensureHostPackages();
const code = await demo();
if (code !== 0) Deno.exit(code);
await Deno.copyFile(DEMO_REPORT, REPORT);
await Deno.writeFile(PICTURE, (await show(REPORT, LOOK)).picture);
console.log(`Wrote ${[REPORT, PICTURE].map((path) => path.slice(ROOT.length)).join(" and ")}`);
Deno.exit(0);
