/** A real Chromium, driven by playwright. */

import { until } from "../integration/host/waiting.ts";

/**
 * In no import map, and in a lock of its own: `deno compile` puts all that deno.lock names into the
 * binary. A name that is only known when it runs keeps it out of the graph as well.
 */
export const PLAYWRIGHT: string = ["npm:playwright-core", "1.56.1"].join("@");

/** What of playwright is used here. */
interface Playwright {
  readonly chromium: { connectOverCDP(address: string): Promise<Browser> };
}

interface Browser {
  newContext(options: {
    readonly viewport: { readonly width: number; readonly height: number };
    readonly colorScheme: "light" | "dark";
    readonly deviceScaleFactor: number;
  }): Promise<{ newPage(): Promise<Page>; close(): Promise<void> }>;
  newBrowserCDPSession(): Promise<{ send(method: string): Promise<unknown> }>;
}

interface Page {
  on(event: "request", listener: (request: { url(): string }) => void): void;
  on(event: "pageerror", listener: (error: Error) => void): void;
  on(event: "console", listener: (message: { type(): string; text(): string }) => void): void;
  goto(address: string): Promise<unknown>;
  waitForFunction(expression: string): Promise<unknown>;
  evaluate(expression: string): Promise<unknown>;
  screenshot(options: { readonly fullPage: boolean }): Promise<Uint8Array>;
}

/** As root in a closed network: no sandbox, and nothing is looked for outside. */
const ARGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
  ...["--hide-scrollbars", "--force-color-profile=srgb", "--remote-debugging-port=0"],
];

/** How a page is looked at. */
export interface Look {
  readonly width: number;
  readonly height: number;
  readonly light: "light" | "dark";
}

/** A page as the browser shows it. */
export interface Shown {
  /** How many charts were drawn. */
  readonly charts: number;
  /** Canvases on which something was drawn in more than one colour. */
  readonly paintedCanvases: number;
  /** Pixels by which the page is wider than the window. */
  readonly overflow: number;
  /** Lanes of the timelines whose bar cannot be seen. */
  readonly invisibleBars: number;
  readonly background: string;
  readonly text: string;
  /** What the page wanted from elsewhere. */
  readonly requests: readonly string[];
  /** What it complained of. */
  readonly errors: readonly string[];
  /** A PNG of what is in the window. */
  readonly picture: Uint8Array;
}

/** Opens the file at `path` as `look` says, in a browser of its own. */
export async function show(path: string, look: Look): Promise<Shown> {
  await using running = await startChromium();
  const context = await running.browser.newContext({
    viewport: { width: look.width, height: look.height },
    colorScheme: look.light,
    deviceScaleFactor: 1,
  });
  const page = await context.newPage();
  const requests: string[] = [];
  const errors: string[] = [];
  const address = `file://${path}`;
  page.on("request", (request) => {
    if (request.url() !== address) requests.push(request.url());
  });
  page.on("pageerror", (error) => void errors.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  await page.goto(address);
  await page.waitForFunction("document.documentElement.dataset.drawn !== undefined");
  const seen = await page.evaluate(LOOK_AT);
  const picture = await page.screenshot({ fullPage: false });
  await context.close();
  return { ...(seen as Omit<Shown, "requests" | "errors" | "picture">), requests, errors, picture };
}

/** Runs in the page. */
const LOOK_AT = `(() => {
  const colours = (canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const seen = new Set();
    for (let i = 0; i < data.length; i += 4) {
      seen.add((data[i] << 24) | (data[i + 1] << 16) | (data[i + 2] << 8) | data[i + 3]);
    }
    return seen.size;
  };
  const root = document.documentElement;
  return {
    charts: Number(root.dataset.drawn),
    paintedCanvases: [...document.querySelectorAll("canvas")].filter((one) => colours(one) > 3).length,
    overflow: root.scrollWidth - innerWidth,
    invisibleBars: [...document.querySelectorAll(".track span")].filter((one) => {
      const { width, height } = one.getBoundingClientRect();
      return width < 1 || height < 4;
    }).length,
    background: getComputedStyle(document.body).backgroundColor,
    text: document.body.innerText,
  };
})()`;

async function startChromium(): Promise<{ readonly browser: Browser } & AsyncDisposable> {
  const profile = await Deno.makeTempDir({ prefix: "phaul-browser-" });
  const child = new Deno.Command("chromium", {
    args: [...ARGS, `--user-data-dir=${profile}`, "about:blank"],
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const end = async () => {
    await child.status;
    await child.stderr.cancel().catch(() => {});
    // Its children write on for a moment.
    await until(`${profile} is removed`, async () => {
      return await Deno.remove(profile, { recursive: true }).then(() => true, () => false);
    });
  };
  try {
    const { chromium }: Playwright = await import(PLAYWRIGHT);
    const browser = await chromium.connectOverCDP(await addressOf(child));
    return {
      browser,
      async [Symbol.asyncDispose]() {
        // close() by itself would only let go of it.
        const session = await browser.newBrowserCDPSession();
        await session.send("Browser.close");
        await end();
      },
    };
  } catch (error) {
    child.kill("SIGKILL");
    await end();
    throw error;
  }
}

/** Where it listens, as it says on standard error. */
async function addressOf(child: Deno.ChildProcess): Promise<string> {
  let said = "";
  const reader = child.stderr.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`Cannot start chromium: ${said}`);
      said += decoder.decode(value, { stream: true });
      const address = /DevTools listening on (\S+)/.exec(said)?.[1];
      if (address !== undefined) return address;
    }
  } finally {
    reader.releaseLock();
  }
}
