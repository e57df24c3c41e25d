import { assertEquals, assertInstanceOf, assertMatch, assertThrows } from "@std/assert";
import { PageStreamParser } from "../../../src/criu/mod.ts";
import { PhaulError } from "../../../src/errors.ts";
import { Command, Flag, type Form, message, stream } from "./page_messages.ts";

const FORMS: readonly Form[] = [24, 32];
const PID_IMAGE = (4711n << 8n) | 1n;
const SHMEM_IMAGE = (12n << 8n) | 2n;

/** A pre-dump's stream as CRIU sends it: a question, two images, an end. */
function typical(form: Form): Uint8Array {
  return stream(
    message(form, Command.PARENT, { id: PID_IMAGE }),
    message(form, Command.OPEN2, { id: PID_IMAGE }),
    message(form, Command.ADD_F, { pages: 3, flags: Flag.PRESENT, address: 0x400000n }),
    message(form, Command.ADD_F, { pages: 2, flags: Flag.PARENT, address: 0x500000n }),
    message(form, Command.ADD_F, { pages: 1, flags: Flag.PRESENT | Flag.LAZY, address: 0x7f000n }),
    message(form, Command.OPEN2, { id: SHMEM_IMAGE }),
    message(form, Command.ADD_F, { pages: 4, flags: Flag.PRESENT, id: SHMEM_IMAGE }),
    message(form, Command.ADD_F, { pages: 7, flags: 0, id: SHMEM_IMAGE }),
    message(form, Command.FORCE_CLOSE, {}),
  );
}

function figures(parser: PageStreamParser) {
  const { pages, parentPages, zeroOrHolePages, bytes, ended, headerBytes } = parser;
  return { pages, parentPages, zeroOrHolePages, bytes, ended, headerBytes };
}

function parsed(...chunks: Uint8Array[]): PageStreamParser {
  const parser = new PageStreamParser();
  for (const chunk of chunks) parser.feed(chunk);
  return parser;
}

function refused(...chunks: Uint8Array[]): string {
  const error = assertThrows(() => parsed(...chunks));
  assertInstanceOf(error, PhaulError);
  assertEquals(error.code, "page-stream");
  return error.message;
}

for (const form of FORMS) {
  Deno.test(`PageStreamParser: counts each kind of page, ${form}-byte headers`, () => {
    const bytes = typical(form);
    assertEquals(figures(parsed(bytes)), {
      pages: 8,
      parentPages: 2,
      zeroOrHolePages: 7,
      bytes: 9 * form + 8 * 4096,
      ended: true,
      headerBytes: form,
    });
  });

  Deno.test(`PageStreamParser: the cuts between chunks change nothing, ${form}-byte headers`, () => {
    const bytes = typical(form);
    const whole = figures(parsed(bytes));
    for (const size of [1, 2, 3, 7, 23, 24, 25, 31, 32, 33, 4095, 4096, 4097, 65536]) {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
      assertEquals(figures(parsed(...chunks)), whole, `chunks of ${size}`);
    }
    for (let cut = 0; cut <= 5 * form; cut++) {
      assertEquals(figures(parsed(bytes.subarray(0, cut), bytes.subarray(cut))), whole);
    }
  });

  Deno.test(`PageStreamParser: the end is seen with its last byte only, ${form}-byte headers`, () => {
    const bytes = typical(form);
    const parser = parsed(bytes.subarray(0, -1));
    assertEquals(parser.ended, false);
    parser.feed(bytes.subarray(-1));
    assertEquals(parser.ended, true);
  });

  Deno.test(`PageStreamParser: nothing may follow the end, ${form}-byte headers`, () => {
    assertMatch(refused(typical(form), new Uint8Array(1)), /after its end/);
  });

  Deno.test(`PageStreamParser: the old commands count, ${form}-byte headers`, () => {
    const parser = parsed(
      message(form, Command.OPEN, { id: PID_IMAGE }),
      message(form, Command.ADD, { pages: 2, id: PID_IMAGE }),
      message(form, Command.HOLE, { pages: 5, id: PID_IMAGE }),
      message(form, Command.CLOSE, {}),
    );
    assertEquals([parser.pages, parser.parentPages, parser.ended], [2, 5, true]);
  });

  Deno.test(`PageStreamParser: what looks like a header inside a page is none, ${form} bytes`, () => {
    const page = message(form, Command.ADD_F, { pages: 1, flags: Flag.PRESENT });
    page.set(message(form, Command.FORCE_CLOSE, {}), form);
    const parser = parsed(message(form, Command.OPEN2, { id: PID_IMAGE }), page);
    assertEquals([parser.pages, parser.ended], [1, false]);
  });

  Deno.test(`PageStreamParser: unknown commands, flags and sizes are refused, ${form} bytes`, () => {
    const open = message(form, Command.OPEN2, { id: PID_IMAGE });
    assertMatch(refused(open, message(form, 7, { pages: 1 })), /unknown command 7/);
    assertMatch(refused(open, message(form, 0x1022, {})), /unknown command/);
    assertMatch(refused(open, message(form, Command.ADD_F, { flags: 8 })), /unknown flags 8/);
    const many = message(form, Command.ADD_F, { pages: 2 ** 31, flags: Flag.PARENT });
    assertMatch(refused(open, many), /2147483648 pages/);
  });
}

Deno.test("PageStreamParser: a page count beyond any integer is refused", () => {
  const open = message(32, Command.OPEN2, { id: PID_IMAGE });
  const huge = message(32, Command.ADD_F, { flags: Flag.PRESENT });
  new DataView(huge.buffer).setBigUint64(8, 2n ** 64n - 1n, true);
  assertMatch(refused(open, huge), /pages in one message/);
});

Deno.test("PageStreamParser: the padding of the wide header means nothing", () => {
  const open = message(32, Command.OPEN2, { id: PID_IMAGE });
  open.fill(0xff, 4, 8);
  const close = message(32, Command.FORCE_CLOSE, {});
  close.fill(0xaa, 4, 8);
  assertEquals(parsed(open, close).ended, true);
});

Deno.test("PageStreamParser: a stream of nothing but its end ends at once in either form", () => {
  for (const form of FORMS) {
    const parser = parsed(message(form, Command.FORCE_CLOSE, {}));
    assertEquals([parser.ended, parser.headerBytes], [true, undefined]);
  }
  assertEquals(parsed(message(32, Command.CLOSE, {}).subarray(0, 24)).ended, true);
  assertMatch(refused(message(24, Command.CLOSE, {}), new Uint8Array(9)), /after its end/);
  assertMatch(refused(message(24, Command.CLOSE, {}), new Uint8Array([1])), /after its end/);
});

Deno.test("PageStreamParser: pages of another size are skipped whole", () => {
  const parser = new PageStreamParser(65536);
  parser.feed(message(24, Command.OPEN2, { id: PID_IMAGE }));
  parser.feed(message(24, Command.ADD_F, { pages: 1, flags: Flag.PRESENT }).subarray(0, 24));
  parser.feed(new Uint8Array(65536).fill(0xee));
  parser.feed(message(24, Command.CLOSE, {}));
  assertEquals([parser.pages, parser.ended], [1, true]);
});

Deno.test("PageStreamParser: garbage never passes for a stream", () => {
  assertMatch(
    refused(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: example\r\n")),
    /begins with/,
  );
  assertMatch(refused(new Uint8Array(32)), /begins with command 0/);
  assertMatch(refused(message(24, Command.ADD_F, { pages: 1, flags: 4 })), /begins with command 6/);
});

Deno.test("PageStreamParser: random bytes are refused or counted, and nothing else", () => {
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 2147483647) & 0xff;
  for (let round = 0; round < 500; round++) {
    const form = FORMS[round % 2] ?? 24;
    const parser = parsed(message(form, Command.OPEN2, { id: PID_IMAGE }));
    try {
      for (let i = 0; i < 20; i++) parser.feed(Uint8Array.from({ length: 37 }, random));
      assertEquals(parser.bytes, form + 740);
    } catch (error) {
      if (!(error instanceof PhaulError)) throw error;
      assertEquals(error.code, "page-stream");
    }
  }
});
