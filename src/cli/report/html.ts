/**
 * Markup out of texts that may hold anything.
 *
 * @module
 */

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Markup that is what it says. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template. */
export type Part = string | number | Markup | readonly Markup[];

/**
 * A template whose parts are escaped, unless they are markup themselves.
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(html`<b>${"a<b"}</b>${[raw("<i>"), html`c`]}`.text, "<b>a&lt;b</b><i>c");
 * ```
 */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(String.raw({ raw: texts }, ...parts.map(textOf)));
}

/** Text that is markup already. */
export function raw(text: string): Markup {
  return new Markup(text);
}

function textOf(part: Part): string {
  if (part instanceof Markup) return part.text;
  if (typeof part === "number") return String(part);
  if (typeof part === "string") return part.replace(/[&<>"']/g, (one) => ESCAPES[one] ?? one);
  return part.map(({ text }) => text).join("");
}
