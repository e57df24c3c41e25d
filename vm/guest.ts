/** A machine with its guest up: boots, waits for the agent, knows what to keep when it fails. */

import type { AgentAddress } from "./agent.ts";
import { Host } from "./host.ts";
import { AGENT_PORTS, Machine, type MachineOptions } from "./qemu.ts";

/** A guest did not come up; the message holds the end of its console. */
export class BootError extends Error {
  override readonly name = "BootError";
}

/** A booted guest. */
export interface Guest {
  readonly machine: Machine;
  /** The guest itself; in the lane it holds the two hosts of the scenario. */
  readonly host: Host;
  /** Where the agents on the guest's forwarded ports are: the guest's own first. */
  readonly agents: readonly AgentAddress[];
  /** From QEMU's start to the first command, milliseconds. */
  readonly bootMs: number;
}

/** Emulation on a busy machine: a boot of 4 s may take a minute. */
export const BOOT_DEADLINE_MS = 240_000;
const POLL_MS = 100;

/**
 * Starts a machine and waits until its agent answers. The caller owns the machine.
 *
 * @throws {BootError} when it does not come up within `deadlineMs`; it is killed then.
 */
export async function bootGuest(
  options: MachineOptions,
  addresses: { readonly link: string; readonly witness: string },
  deadlineMs = BOOT_DEADLINE_MS,
): Promise<Guest> {
  const startMs = performance.now();
  const machine = await Machine.start(options);
  try {
    await consoleSaysReady(machine, 1, startMs + deadlineMs);
    const agents = await Promise.all(AGENT_PORTS.map(async (port) => ({
      port: await machine.forwardedPort(port),
      token: options.token,
    })));
    const host: Host = new Host({
      name: options.name,
      address: addresses.link,
      witnessAddress: addresses.witness,
      agent: agents[0] ?? { port: 0, token: "" },
      kill: () => machine.kill(),
      reset: () => resetGuest(machine, host),
    });
    await firstCommand(host, startMs + deadlineMs);
    return { machine, host, agents, bootMs: performance.now() - startMs };
  } catch (cause) {
    const tail = await consoleTail(machine);
    await machine[Symbol.asyncDispose]();
    throw new BootError(`Guest "${options.name}" did not come up; its console ends:\n${tail}`, {
      cause,
    });
  }
}

async function resetGuest(machine: Machine, host: Host): Promise<void> {
  const endMs = performance.now() + BOOT_DEADLINE_MS;
  const boots = countBoots(await readConsole(machine));
  await machine.reset();
  await consoleSaysReady(machine, boots + 1, endMs);
  await firstCommand(host, endMs);
}

function countBoots(text: string): number {
  return text.split("lab: ready").length - 1;
}

async function consoleSaysReady(machine: Machine, boots: number, endMs: number): Promise<void> {
  for (;;) {
    const text = await readConsole(machine);
    if (countBoots(text) >= boots) return;
    if (text.includes("Kernel panic")) throw new Error("Its kernel panicked");
    if (!machine.alive) throw new Error("QEMU ended");
    if (performance.now() > endMs) throw new Error("It took too long");
    await pause();
  }
}

/** The console speaks just before the agent listens. */
async function firstCommand(host: Host, endMs: number): Promise<void> {
  for (;;) {
    try {
      await host.run("true");
      return;
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await pause();
    }
  }
}

async function readConsole(machine: Machine): Promise<string> {
  try {
    return await Deno.readTextFile(machine.consolePath);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

async function consoleTail(machine: Machine): Promise<string> {
  return (await readConsole(machine)).split("\n").slice(-15).join("\n");
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

/** A fresh secret for agents, 32 characters. */
export function newToken(): string {
  return crypto.randomUUID().replaceAll("-", "");
}
