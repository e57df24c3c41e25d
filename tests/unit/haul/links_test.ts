import { assertEquals, assertThrows } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { type LinkedRole, Links } from "../../../src/haul/links.ts";
import { ControlLink } from "../../../src/wire/mod.ts";
import { memoryPair, type MemoryStream } from "../wire/memory_stream.ts";

function newLink(): { link: ControlLink; stream: MemoryStream } {
  const [stream] = memoryPair();
  const link = new ControlLink(stream, { peerTimeoutMs: 60_000 });
  return { link, stream };
}

function role(migration: string, state: LinkedRole["state"] = "receiving"): LinkedRole {
  return { migration, state };
}

function codeOf(action: () => unknown): string {
  return assertThrows(action, PhaulError).code;
}

/** Links and some connections in them; all are closed after `action`. */
function withLinks(
  max: number,
  count: number,
  action: (links: Links<LinkedRole>, all: ReturnType<typeof newLink>[]) => void,
): void {
  const links = new Links<LinkedRole>(max);
  const all = Array.from({ length: count }, newLink);
  for (const { link } of all) links.add(link);
  try {
    action(links, all);
  } finally {
    for (const { link } of all) link.close();
  }
}

Deno.test("Links: only the link over which a migration began brings more of it", () =>
  withLinks(9, 2, (links, [one, other]) => {
    if (!one || !other) throw new Error("two were asked for");
    const mine = role("a");
    assertEquals(codeOf(() => links.originOf(one.link, "prepare")), "protocol");
    assertEquals(links.began(one.link, mine), true);
    links.speaksOf(other.link, mine);
    assertEquals(links.originOf(one.link, "prepare"), mine);
    assertEquals(codeOf(() => links.originOf(other.link, "prepare")), "protocol");
  }));

Deno.test("Links: one that has a migration gets no second one, by begin or by a verdict", () =>
  withLinks(9, 1, (links, [one]) => {
    if (!one) throw new Error("one was asked for");
    links.requireFree(one.link);
    links.began(one.link, role("a"));
    assertEquals(codeOf(() => links.requireFree(one.link)), "protocol");
    assertEquals(codeOf(() => links.speaksOf(one.link, role("b"))), "protocol");
  }));

Deno.test("Links: a migration is spoken of as long as one of its links is there", () =>
  withLinks(9, 2, (links, [one, other]) => {
    if (!one || !other) throw new Error("two were asked for");
    const mine = role("a");
    links.began(one.link, mine);
    links.speaksOf(other.link, mine);
    assertEquals(links.remove(one.link), mine);
    assertEquals(links.has(mine), true);
    assertEquals(links.remove(other.link), mine);
    assertEquals(links.has(mine), false);
    assertEquals(links.began(one.link, mine), false);
  }));

Deno.test("Links: beyond the limit one without a migration under way goes, the oldest first", () =>
  withLinks(3, 3, (links, [busy, over, idle]) => {
    if (!busy || !over || !idle) throw new Error("three were asked for");
    links.began(busy.link, role("a"));
    links.began(over.link, role("b", "discarded"));
    const more = Array.from({ length: 3 }, newLink);
    for (const { link } of more) links.add(link);
    const closed = [busy, over, idle, ...more].map(({ stream }) => stream.closed);
    assertEquals(closed, [false, true, true, true, false, false]);
    for (const { link } of more) link.close();
  }));

Deno.test("Links: where all are needed the new one is refused", () =>
  withLinks(2, 2, (links, all) => {
    for (const [index, { link }] of all.entries()) links.began(link, role(`${index}`));
    const late = newLink();
    assertEquals(codeOf(() => links.add(late.link)), "busy");
    assertEquals([...all, late].map(({ stream }) => stream.closed), [false, false, true]);
  }));
