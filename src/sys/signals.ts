/**
 * Signals by name. The numbers are the same on x86_64 and aarch64.
 *
 * @module
 */

const NUMBERS = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
} as const;

/** A signal's name. */
export type Signal = keyof typeof NUMBERS;

/** The number of `signal`. */
export function signalNumber(signal: Signal): number {
  return NUMBERS[signal];
}

/** The name of signal `number`, or `signal 42` where it has none here. */
export function signalName(number: number): string {
  const found = Object.entries(NUMBERS).find(([, value]) => value === number);
  return found?.[0] ?? `signal ${number}`;
}
