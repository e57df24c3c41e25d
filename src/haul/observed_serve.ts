/**
 * `phaul serve`: a destination, what it writes down of its migrations, and its figures.
 *
 * @module
 */

import type { EventSink } from "./events.ts";
import { IncomingHistory } from "./incoming.ts";
import { Metrics, offerMetrics } from "./metrics.ts";
import type { ServeOptions } from "./options.ts";
import { serve } from "./serve.ts";

/**
 * As {@linkcode serve}; remembers each migration at its end, and with `options.metrics` answers GET
 * /metrics there.
 *
 * @throws PhaulError what serve throws, and `port-in-use` over the other address
 */
export async function serveObserved(
  options: ServeOptions,
  sink: EventSink,
  signal: AbortSignal,
  hurry: AbortSignal,
): Promise<void> {
  const figures = new Metrics();
  await using _offer = options.metrics && offerMetrics(options.metrics, figures);
  await using history = new IncomingHistory(options.stateDir, sink);
  const told: EventSink = (event) => {
    figures.take(event, performance.now());
    history.take(event);
    sink(event);
  };
  await serve(options, told, signal, hurry);
}
