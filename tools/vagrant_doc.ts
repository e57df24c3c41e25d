/**
 * Puts the transcript of `deno task test:vagrant` into docs/testing.md, between its two marks.
 *
 * @module
 */

import { ROOT } from "./process.ts";

const DOC = "docs/testing.md";
const BEGIN = "<!-- Vagrant: written by deno task test:vagrant --write-docs -->";
const END = "<!-- End of Vagrant -->";

/**
 * Writes what a run showed.
 *
 * @throws Error when the marks are not there
 */
export async function writeVagrantDoc(transcript: string): Promise<void> {
  const path = `${ROOT}${DOC}`;
  await Deno.writeTextFile(path, withTranscript(await Deno.readTextFile(path), transcript));
}

/** `text` with the transcript between its marks, but for the settings of machines. Pure. */
export function withTranscript(text: string, transcript: string): string {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`Cannot find the marks in "${DOC}"`);
  const lines = transcript.split("\n").filter((line) => !/^==> \w+: {2}-- /.test(line));
  const block = ["```text", ...lines, "```"].join("\n");
  return `${text.slice(0, from)}${BEGIN}\n\n${block}\n\n${text.slice(to)}`;
}
