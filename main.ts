/**
 * The program: gives the roles to the command line and exits with what that returns.
 *
 * @module
 */

import { runCli } from "./src/cli/run.ts";
import { processTerminal } from "./src/cli/terminal.ts";

Deno.exit(await runCli(Deno.args, processTerminal()));
