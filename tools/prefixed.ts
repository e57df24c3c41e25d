/**
 * Says before each line whose it is: lanes that run at the same time show what they do as they do it.
 *
 * @module
 */

/** Where output goes, in pieces that begin and end anywhere in a line. */
export interface Output {
  write(piece: Uint8Array): void;
  /** There is no more. */
  end(): void;
}

const NEWLINE = 10;

/**
 * Hands each line to `write` whole, with `prefix` before it; a last one that has no end gets one. For one
 * stream: two of them share no lines.
 */
export function prefixed(prefix: string, write: (line: Uint8Array) => void): Output {
  const head = new TextEncoder().encode(prefix);
  let rest = Uint8Array.of();
  const pass = (line: Uint8Array) => write(Uint8Array.of(...head, ...line, NEWLINE));
  return {
    write(piece) {
      rest = Uint8Array.of(...rest, ...piece);
      for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
        pass(rest.subarray(0, end));
        rest = rest.subarray(end + 1);
      }
    },
    end() {
      if (rest.length > 0) pass(rest);
      rest = Uint8Array.of();
    },
  };
}
