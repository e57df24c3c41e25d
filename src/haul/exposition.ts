/**
 * Figures in Prometheus's text format, version 0.0.4. (prom-client would do the same, and more: with what
 * it brings along it made the binary 4 MiB larger, and `deno compile` overflow its stack.)
 *
 * @module
 */

/** The media type of the format. */
export const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Something that tells figures. */
interface Family {
  lines(): string[];
}

/** A figure that goes up, or one that goes up and down. */
export class Figure implements Family {
  readonly #head: string[];
  readonly #name: string;
  readonly #label: string | undefined;
  readonly #values = new Map<string, number>();

  /** @param label The name of its only label, if it has one; without one it is 0 from the begin on. */
  constructor(type: "counter" | "gauge", name: string, help: string, label?: string) {
    this.#head = head(type, name, help);
    this.#name = name;
    if (label === undefined) this.#values.set("", 0);
    this.#label = label;
  }

  /** Adds to it. */
  add(amount: number, label?: string): void {
    const key = this.#key(label);
    this.#values.set(key, (this.#values.get(key) ?? 0) + amount);
  }

  /** Sets it. */
  set(value: number, label?: string): void {
    this.#values.set(this.#key(label), value);
  }

  /** As the format has it. */
  lines(): string[] {
    return [
      ...this.#head,
      ...[...this.#values].map(([key, value]) => `${this.#name}${key} ${value}`),
    ];
  }

  #key(label: string | undefined): string {
    return label === undefined ? "" : `{${this.#label}="${escaped(label)}"}`;
  }
}

/** How often something was how large. */
export class Distribution implements Family {
  readonly #head: string[];
  readonly #name: string;
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #count = 0;
  #sum = 0;

  /** @param bounds Of its buckets, ascending. */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.#head = head("histogram", name, help);
    this.#name = name;
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  /** Counts one. */
  observe(value: number): void {
    this.#count++;
    this.#sum += value;
    this.#bounds.forEach((bound, i) => {
      if (value <= bound) this.#counts[i] = (this.#counts[i] ?? 0) + 1;
    });
  }

  /** As the format has it: each bucket counts all that is no larger. */
  lines(): string[] {
    const name = this.#name;
    return [
      ...this.#head,
      ...this.#bounds.map((bound, i) => `${name}_bucket{le="${bound}"} ${this.#counts[i]}`),
      `${name}_bucket{le="+Inf"} ${this.#count}`,
      `${name}_sum ${this.#sum}`,
      `${name}_count ${this.#count}`,
    ];
  }
}

/** All of `families` as one text. */
export function exposition(families: readonly Family[]): string {
  return `${families.flatMap((family) => family.lines()).join("\n")}\n`;
}

function head(type: string, name: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function escaped(label: string): string {
  return label.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
