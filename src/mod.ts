/**
 * phaul as a library: move a running Linux process tree to another host.
 *
 * Two levels. {@linkcode migrateTree} and {@linkcode serve} are the whole program: connections, checks,
 * iterations, a journal, and a handover in which exactly one copy runs; {@linkcode status},
 * {@linkcode recover} and {@linkcode cancel} read what they have written down. {@linkcode PhaulClient} and
 * {@linkcode PhaulServer} are the roles alone, for callers who bring their own connection, their own
 * calls between the hosts ({@linkcode PhaulRemote}) and their own way to dump and restore
 * ({@linkcode PhaulLocal}). docs/library.md has an example of each.
 *
 * @module
 */

export * from "./errors.ts";
export {
  CriuError,
  type CriuOptions,
  CriuSession,
  type DumpStats,
  findCriu,
  type NotifyContext,
  type NotifyHandler,
  type PageSink,
  readDumpStats,
} from "./criu/mod.ts";
export { dumpOptions, nextImagesDir, PhaulClient } from "./haul/client.ts";
export type {
  ClientObserver,
  ClientReport,
  IterationTraffic,
  PhaulConfig,
  PhaulLocal,
  PhaulRemote,
} from "./haul/config.ts";
export * from "./haul/events.ts";
export { exportTree } from "./haul/export.ts";
export { migrateTree } from "./haul/migrate.ts";
export { MigrationError } from "./haul/migration_error.ts";
export * from "./haul/options.ts";
export { check, type CheckReport, type PlacedFinding } from "./haul/check.ts";
export { history, type HistoryEntry } from "./haul/history.ts";
export { plan, type PlannedIteration, type PlanReport } from "./haul/plan.ts";
export { cancel, type Cancelled } from "./haul/cancel.ts";
export { recover } from "./haul/recover.ts";
export { type MigrationStatus, type Recovered, status } from "./haul/standing.ts";
export { restoreTree } from "./haul/restore.ts";
export { selftest, type SelftestReport } from "./haul/selftest.ts";
export { serve } from "./haul/serve.ts";
export { PhaulServer, type PhaulServerConfig } from "./haul/server.ts";
export { type BudgetSeries, type BudgetVerdict, judgeBudget } from "./migrate/budget.ts";
export {
  ASSUMED_COSTS,
  type AssumedCosts,
  type Forecast,
  type ForecastOptions,
  forecastSwitchover,
  type IterationSample,
  type RestoreKind,
} from "./migrate/forecast.ts";
export { DEFAULT_LIMITS, type IterationLimits, judgeIterations } from "./migrate/policy.ts";
export { ProcessTree, type TreeProcess } from "./proc/mod.ts";
export { Fd, streamPair } from "./sys/mod.ts";
