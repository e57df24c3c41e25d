/**
 * Figures of a destination for Prometheus, made from the events that it tells.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { HaulEvent } from "./events.ts";
import { CONTENT_TYPE, Distribution, exposition, Figure } from "./exposition.ts";
import type { HostAddress } from "./options.ts";

/** From a hundredth of a second to a minute: how long a tree is held, and how long its memory drains. */
const SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What is known of one migration while it is under way. */
interface Course {
  /** Bytes of the page stream that were counted, of its newest iteration. */
  iteration: number;
  bytes: number;
  pages: number;
  preparedMs?: number;
  runningMs?: number;
}

/** The figures; docs/scripting.md names each. */
export class Metrics {
  readonly #courses = new Map<string, Course>();
  readonly #underWay = new Figure(
    "gauge",
    "phaul_migrations_under_way",
    "Migrations that bring pages, or are restored, now",
  );
  readonly #ended = new Figure(
    "counter",
    "phaul_migrations_total",
    "Migrations that ended",
    "outcome",
  );
  readonly #pages = new Figure("counter", "phaul_pages_total", "Pages of 4096 bytes that came");
  readonly #bytes = new Figure(
    "counter",
    "phaul_page_bytes_total",
    "Bytes of the page streams that came",
  );
  readonly #warnings = new Figure("counter", "phaul_warnings_total", "Warnings that were told");
  readonly #hold = new Distribution(
    "phaul_hold_seconds",
    "From the restore until the tree ran",
    SECONDS,
  );
  readonly #drain = new Distribution(
    "phaul_drain_seconds",
    "From there until it had all its memory",
    SECONDS,
  );

  /** Takes in one event, at a time in milliseconds on any steady clock. */
  take(event: HaulEvent, nowMs: number): void {
    if (event.event === "warning") this.#warnings.add(1);
    if (!("migration" in event) || event.migration === undefined) return;
    const { migration } = event;
    const course = this.#courses.get(migration);
    switch (event.event) {
      case "iteration-begin":
        this.#courses.set(migration, { ...course, iteration: event.iteration, bytes: 0, pages: 0 });
        break;
      case "progress":
        if (course) this.#count(course, event);
        break;
      case "prepared":
        if (course) course.preparedMs = nowMs;
        break;
      case "running":
        if (course) this.#ran(course, nowMs);
        break;
      case "drained":
        if (course?.runningMs) this.#drain.observe((nowMs - course.runningMs) / 1000);
        this.#courses.delete(migration);
        break;
      case "aborted":
        this.#ended.add(1, "aborted");
        this.#courses.delete(migration);
    }
    const courses = [...this.#courses.values()];
    this.#underWay.set(courses.filter(({ runningMs }) => runningMs === undefined).length);
  }

  /** All figures, in Prometheus's text format. */
  get text(): string {
    const counts = [this.#underWay, this.#ended, this.#pages, this.#bytes, this.#warnings];
    return exposition([...counts, this.#hold, this.#drain]);
  }

  /** An iteration's figures are sums since its begin; a counter takes what came since the last. */
  #count(course: Course, event: HaulEvent & { readonly event: "progress" }): void {
    this.#bytes.add(Math.max(0, event.bytes - course.bytes));
    this.#pages.add(Math.max(0, event.pagesWritten - course.pages));
    [course.bytes, course.pages] = [event.bytes, event.pagesWritten];
  }

  #ran(course: Course, nowMs: number): void {
    if (course.runningMs !== undefined) return;
    course.runningMs = nowMs;
    this.#ended.add(1, "moved");
    if (course.preparedMs !== undefined) this.#hold.observe((nowMs - course.preparedMs) / 1000);
  }
}

/**
 * Answers GET /metrics at `address` with `figures` until it is disposed of.
 *
 * @throws PhaulError `port-in-use`
 */
export function offerMetrics(
  { host: hostname, port }: HostAddress,
  figures: Metrics,
): AsyncDisposable {
  const controller = new AbortController();
  const { signal } = controller;
  const options = { hostname, port, signal, onListen: () => {} };
  try {
    const { finished } = Deno.serve(options, (request) => {
      if (new URL(request.url).pathname !== "/metrics") {
        return new Response("See /metrics\n", { status: 404 });
      }
      return new Response(figures.text, { headers: { "content-type": CONTENT_TYPE } });
    });
    return {
      async [Symbol.asyncDispose]() {
        // Not shutdown(), which would wait for whoever keeps a connection open.
        controller.abort();
        await finished.catch(() => {});
      },
    };
  } catch (cause) {
    throw new PhaulError("port-in-use", `Cannot offer metrics on ${hostname}:${port}`, {
      remedy: "Name another address with --metrics, or leave it out",
      cause,
    });
  }
}
