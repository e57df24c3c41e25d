/**
 * Checked access to the fields of a decoded message: each has a type and bounds, or the message fails.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";

/** The fields of one message of a peer. Every reader throws PhaulError `protocol`. */
export class Fields {
  readonly #message: string;
  readonly #values: Readonly<Record<string, unknown>>;

  /** `message` names it in errors. */
  constructor(message: string, values: Readonly<Record<string, unknown>>) {
    this.#message = message;
    this.#values = values;
  }

  /** A boolean. */
  flag(name: string): boolean {
    const value = this.#values[name];
    if (typeof value !== "boolean") throw this.#bad(name);
    return value;
  }

  /** An integer from `min` to `max`. */
  integer(name: string, min: number, max: number): number {
    const value = this.#values[name];
    if (typeof value !== "number" || !Number.isSafeInteger(value)) throw this.#bad(name);
    if (value < min || value > max) throw this.#bad(name);
    return value;
  }

  /** A text that matches `pattern`, of at most `maxLength` UTF-16 units. */
  text(name: string, maxLength: number, pattern: RegExp): string {
    const value = this.#values[name];
    if (typeof value !== "string" || value.length > maxLength) throw this.#bad(name);
    if (!pattern.test(value)) throw this.#bad(name);
    return value;
  }

  /** A text for people, whatever it holds: the caller cleans it. Empty when it is absent. */
  anyText(name: string): string {
    const value = this.#values[name];
    return typeof value === "string" ? value : "";
  }

  /** Exactly `length` bytes, in a buffer of their own. */
  bytes(name: string, length: number): Uint8Array {
    const value = this.optionalBytes(name, length);
    if (!value) throw this.#bad(name);
    return value;
  }

  /** Exactly `length` bytes, or undefined when there are none. */
  optionalBytes(name: string, length: number): Uint8Array | undefined {
    const value = this.#values[name];
    if (value === undefined || value === null) return undefined;
    // protobufjs says [] for bytes that are absent.
    if (Array.isArray(value) && value.length === 0) return undefined;
    if (!(value instanceof Uint8Array)) throw this.#bad(name);
    if (value.length === 0) return undefined;
    if (value.length !== length) throw this.#bad(name);
    return Uint8Array.from(value);
  }

  /** Up to `maxLength` bytes, maybe none. */
  someBytes(name: string, maxLength: number): Uint8Array {
    const value = this.#values[name];
    // protobufjs says [] for bytes that are absent.
    if (Array.isArray(value) && value.length === 0) return new Uint8Array();
    if (!(value instanceof Uint8Array) || value.length > maxLength) throw this.#bad(name);
    return Uint8Array.from(value);
  }

  /** Up to `maxCount` integers from `min` to `max`. */
  integers(name: string, maxCount: number, min: number, max: number): number[] {
    return this.#array(name, maxCount).map((value) => {
      if (typeof value !== "number" || !Number.isSafeInteger(value)) throw this.#bad(name);
      if (value < min || value > max) throw this.#bad(name);
      return value;
    });
  }

  /** One of the names in `choices`, as the value given there. */
  choice<T>(name: string, choices: Readonly<Record<string, T>>): T {
    const value = this.#values[name];
    if (typeof value !== "string" || !Object.hasOwn(choices, value)) throw this.#bad(name);
    return choices[value] as T;
  }

  /** A message inside this one. */
  inner(name: string): Fields {
    const value = this.#values[name];
    if (!isRecord(value)) throw this.#bad(name);
    return new Fields(`${this.#message}.${name}`, value);
  }

  /** A message inside this one that may be left out. */
  optionalInner(name: string): Fields | undefined {
    const value = this.#values[name];
    return value === undefined || value === null ? undefined : this.inner(name);
  }

  /** Up to `maxCount` messages, each read by `read`. */
  list<T>(name: string, maxCount: number, read: (item: Fields) => T): T[] {
    return this.#array(name, maxCount).map((value, index) => {
      if (!isRecord(value)) throw this.#bad(name);
      return read(new Fields(`${this.#message}.${name}[${index}]`, value));
    });
  }

  /** Up to `maxCount` texts that match `pattern`. */
  texts(name: string, maxCount: number, maxLength: number, pattern: RegExp): string[] {
    return this.#array(name, maxCount).map((value) => {
      if (typeof value !== "string" || value.length > maxLength) throw this.#bad(name);
      if (!pattern.test(value)) throw this.#bad(name);
      return value;
    });
  }

  #array(name: string, maxCount: number): readonly unknown[] {
    const value = this.#values[name];
    if (!Array.isArray(value) || value.length > maxCount) throw this.#bad(name);
    return value;
  }

  #bad(name: string): PhaulError {
    return new PhaulError(
      "protocol",
      `Cannot take the peer's message "${this.#message}": its field "${name}" is out of bounds`,
    );
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
