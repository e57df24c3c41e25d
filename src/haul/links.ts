/**
 * The control connections of a destination, and which migration each may speak of.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { ControlLink } from "../wire/mod.ts";
import type { DestinationRole } from "./destination.ts";

/** What of a role its links need to know. */
export type LinkedRole = Pick<DestinationRole, "migration" | "state">;

/**
 * Each link speaks of one migration for good: were it to change to another one, its own would be left
 * with nobody to see its source go away.
 */
export class Links<Role extends LinkedRole> {
  readonly #max: number;
  readonly #links = new Map<ControlLink, Role | undefined>();
  /** The link over which each migration began: the only one that may bring more of it. */
  readonly #origins = new WeakMap<Role, ControlLink>();

  /** @param max How many there may be. */
  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Adds a link. When there are too many, one that has no migration under way is ended for it.
   *
   * @throws PhaulError `busy` when there is none; `link` is closed then
   */
  add(link: ControlLink): void {
    if (this.#links.size >= this.#max) this.#makeRoomFor(link);
    this.#links.set(link, undefined);
  }

  /** Takes out a link that ended; returns the migration that it spoke of. */
  remove(link: ControlLink): Role | undefined {
    const role = this.#links.get(link);
    this.#links.delete(link);
    return role;
  }

  /** Whether a migration may begin over `link`; throws PhaulError `protocol` otherwise. */
  requireFree(link: ControlLink): void {
    if (!this.#links.get(link)) return;
    throw new PhaulError("protocol", "Cannot begin: this connection has a migration");
  }

  /**
   * `role` began over `link`.
   *
   * @returns false when that has ended meanwhile
   */
  began(link: ControlLink, role: Role): boolean {
    this.#origins.set(role, link);
    if (this.#links.has(link)) this.#links.set(link, role);
    return this.#links.has(link);
  }

  /** A verdict on `role` came over `link`; throws PhaulError `protocol` when that has another one. */
  speaksOf(link: ControlLink, role: Role): void {
    const before = this.#links.get(link);
    if (before && before !== role) {
      throw new PhaulError(
        "protocol",
        `Cannot speak of migration ${role.migration}: this connection has another`,
      );
    }
    if (this.#links.has(link)) this.#links.set(link, role);
  }

  /**
   * The migration that a request without an id is for.
   *
   * @throws PhaulError `protocol` when none began over `link`
   */
  originOf(link: ControlLink, request: string): Role {
    const role = this.#links.get(link);
    if (role && this.#origins.get(role) === link) return role;
    throw new PhaulError(
      "protocol",
      `Cannot answer "${request}": no migration has begun over this connection`,
    );
  }

  /** Whether a link speaks of `role` now. */
  has(role: Role): boolean {
    return [...this.#links.values()].includes(role);
  }

  /** Ends all of them. */
  close(): void {
    for (const link of this.#links.keys()) link.close();
  }

  #makeRoomFor(link: ControlLink): void {
    const idle = [...this.#links].find(([, role]) => !role || isOver(role))?.[0] ?? link;
    this.#links.delete(idle);
    idle.close();
    if (idle !== link) return;
    throw new PhaulError(
      "busy",
      `Cannot keep more than ${this.#max} control connections (--max-connections)`,
    );
  }
}

/** It has nothing to do any more, unless somebody asks again what became of it. */
export function isOver({ state }: LinkedRole): boolean {
  return state === "running" || state === "discarded" || state === "stranded";
}
