/** Run by teardown_test.ts: boots a lane, says where it is, and waits to be ended. */

import { bootLane } from "../lane.ts";

await using pair = await bootLane();
console.log(JSON.stringify({ dir: pair.dir }));
await new Promise((resolve) => setTimeout(resolve, 600_000));
