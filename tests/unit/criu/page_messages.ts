/** Messages of CRIU's page-server protocol, written from its description and not from the parser. */

/** Length of a header: 24 up to CRIU 4.1.1, 32 from 4.2 on. */
export type Form = 24 | 32;

export const Command = {
  ADD: 1,
  HOLE: 2,
  OPEN: 3,
  OPEN2: 4,
  PARENT: 5,
  ADD_F: 6,
  CLOSE: 0x1023,
  FORCE_CLOSE: 0x1024,
} as const;

export const Flag = { PARENT: 1, LAZY: 2, PRESENT: 4 } as const;

interface Fields {
  readonly pages?: number;
  readonly address?: bigint;
  readonly id?: bigint;
  readonly flags?: number;
}

/** One message, with the contents of its pages when it has any. */
export function message(form: Form, command: number, fields: Fields): Uint8Array<ArrayBuffer> {
  const { pages = 0, address = 0n, id = 0n, flags = 0 } = fields;
  const present = command === Command.ADD || (flags & Flag.PRESENT) !== 0;
  const bytes = new Uint8Array(form + (present ? pages * 4096 : 0)).fill(0xcc, form);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, command | (flags << 16), true);
  if (form === 24) view.setUint32(4, pages, true);
  else view.setBigUint64(8, BigInt(pages), true);
  view.setBigUint64(form - 16, address, true);
  view.setBigUint64(form - 8, id, true);
  return bytes;
}

/** Several messages as one stream. */
export function stream(...messages: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(messages.reduce((sum, m) => sum + m.length, 0));
  let at = 0;
  for (const m of messages) {
    bytes.set(m, at);
    at += m.length;
  }
  return bytes;
}
