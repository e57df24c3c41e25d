import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { loadAssets } from "../../src/cli/report/assets.ts";
import { reportPage } from "../../src/cli/report/page.ts";
import type { HistoryEntry } from "../../src/haul/history.ts";
import { ROOT } from "../../tools/process.ts";
import { CAME, FAILED, MOVED } from "../unit/cli/entries.ts";
import { type Look, show, type Shown } from "./browser.ts";

const DESKTOP: Look = { width: 1280, height: 900, light: "light" };
const PHONE: Look = { width: 390, height: 844, light: "dark" };

async function showEntry(entry: HistoryEntry, look: Look): Promise<Shown> {
  const path = await Deno.makeTempFile({ suffix: ".html" });
  try {
    await Deno.writeTextFile(path, reportPage(entry, await loadAssets()));
    return await show(path, look);
  } finally {
    await Deno.remove(path);
  }
}

function expectWhole(shown: Shown, charts: number, where: string): void {
  const { overflow, invisibleBars, paintedCanvases, errors, requests } = shown;
  assertEquals({ ...{ overflow, invisibleBars, paintedCanvases, errors, requests } }, {
    ...{ overflow: 0, invisibleBars: 0, paintedCanvases: charts, errors: [], requests: [] },
  }, where);
  assertEquals(shown.charts, charts, where);
}

Deno.test("report: on a desktop and on a phone, in light and dark, all of it is there", async () => {
  const desktop = await showEntry(MOVED, DESKTOP);
  const phone = await showEntry(MOVED, PHONE);
  expectWhole(desktop, 2, "desktop");
  expectWhole(phone, 2, "phone");
  assertNotEquals(desktop.background, phone.background);
  for (const text of ["redis (process 7) to dst:7284", "84 ms", "Restore", "CRIU 4.1.1"]) {
    assert(desktop.text.includes(text) && phone.text.includes(text), text);
  }
});

Deno.test("report: of one that failed, and one that came, what there is", async () => {
  expectWhole(await showEntry(FAILED, PHONE), 0, "failed");
  expectWhole(await showEntry(CAME, PHONE), 0, "came");
});

Deno.test("report: names from elsewhere do nothing in a browser", async () => {
  const comm = `</title></script><script>document.title="x"; throw new Error("ran")</script>`;
  const shown = await showEntry({ ...MOVED, comm, peer: "<img src=//example.com>" }, DESKTOP);
  expectWhole(shown, 2, "hostile");
  assert(shown.text.includes(comm));
});

Deno.test("docs/example-report.html: a real migration's, as this phaul makes it", async () => {
  const path = `${ROOT}docs/example-report.html`;
  for (const look of [DESKTOP, PHONE]) {
    const shown = await show(path, look);
    expectWhole(shown, 2, `${look.width}`);
    assert(shown.text.includes("piggie"), "whose it is");
  }
});
