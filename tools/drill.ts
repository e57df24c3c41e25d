/**
 * `deno task drill`: the failure drill. It brings each fault to each pair of state and event and shows
 * who ran when, by a witness that knows nothing of phaul.
 *
 * `--all` performs every row instead of the chosen ones, `--repeat N` everything N times, `--filter TEXT`
 * only rows whose name holds TEXT, `--seed S` the same order and the same choices as another run had,
 * `--jobs N` so many rows at once, `--list` none: it names them. `--write-docs` puts the table into
 * docs/failure.md. The last line is `N passed, N failed, N skipped`.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { hostRows } from "../tests/drill/enumerate.ts";
import { hostGround } from "../tests/drill/host/ground.ts";
import { performAll } from "../tests/drill/pool.ts";
import { randomOf, shuffled } from "../tests/drill/random.ts";
import type { RowResult } from "../tests/drill/result.ts";
import { rowName } from "../tests/drill/row.ts";
import { stageOn } from "../tests/drill/stage.ts";

if (import.meta.main) Deno.exit(await main());

async function main(): Promise<number> {
  const args = parseArgs(Deno.args, {
    boolean: ["all", "list", "write-docs"],
    string: ["filter", "seed", "repeat", "jobs"],
  });
  const seed = Number(args.seed ?? Math.floor(Math.random() * 2 ** 32));
  const random = randomOf(seed);
  const rows = shuffled(
    hostRows().filter((row) => rowName(row).includes(args.filter ?? "")),
    random,
  );
  if (args.list) {
    for (const row of rows) console.log(rowName(row));
    return 0;
  }
  console.log(`Seed ${seed}: ${rows.length} rows`);
  const results: RowResult[] = [];
  await performAll(rows, {
    makeStage: async () =>
      stageOn(await hostGround(), () => randomOf(Math.floor(random() * 2 ** 32))),
    stages: Number(args.jobs ?? 3),
    signal: new AbortController().signal,
    onResult: (result) => {
      results.push(result);
      const verdict = result.troubles.length === 0 ? "ok    " : "FAILED";
      console.log(
        `${verdict} ${results.length}/${rows.length} ${rowName(result.row)}: ${result.outcome}, ` +
          `${result.copies} at most, ${result.runsOn || "nowhere"}, ${result.recoveredBy} (${
            result.seconds.toFixed(1)
          } s)`,
      );
      for (const trouble of result.troubles) console.log(`         ${trouble}`);
    },
  });
  const failed = results.filter((result) => result.troubles.length > 0).length;
  console.log(`${results.length - failed} passed, ${failed} failed, 0 skipped`);
  return failed === 0 ? 0 : 1;
}
