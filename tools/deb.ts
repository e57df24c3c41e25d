/**
 * `deno task build --deb`: puts what was built into a Debian package in dist/.
 *
 * @module
 */

import project from "../deno.json" with { type: "json" };
import { bashCompletion, fishCompletion, zshCompletion } from "../src/cli/completion_scripts.ts";
import { COMMANDS } from "../src/cli/run.ts";
import { manPage } from "./man_doc.ts";
import { ROOT, run } from "./process.ts";

const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };
const UNITS = ["phaul-serve.service", "phaul-criu.socket", "phaul-criu@.service"];
/** Where the units have the program when they are installed by hand, and where a package has it. */
const [LOCAL_PROGRAM, PACKAGED_PROGRAM] = ["/usr/local/bin/phaul", "/usr/bin/phaul"];

/** A file of the package: where it is installed, and what it holds. */
interface Packaged {
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly mode?: number;
}

/**
 * Makes the package.
 *
 * @param binary The compiled program.
 * @returns where it is
 * @throws Error when dpkg-deb is missing or fails
 */
export async function buildDeb(binary: string): Promise<string> {
  const architecture = ARCHITECTURES[Deno.build.arch] ?? Deno.build.arch;
  const path = `${ROOT}dist/phaul_${project.version}_${architecture}.deb`;
  const dir = await Deno.makeTempDir({ dir: `${ROOT}dist`, prefix: "deb-" });
  try {
    await Deno.chmod(dir, 0o755);
    for (const file of await filesOf(architecture)) await put(dir, file);
    await Deno.mkdir(`${dir}/usr/bin`, { recursive: true });
    await Deno.copyFile(binary, `${dir}${PACKAGED_PROGRAM}`);
    await Deno.chmod(`${dir}${PACKAGED_PROGRAM}`, 0o755);
    // The units are for whoever enables them, so nothing is run when it is installed.
    const { code, stderr } = await run("dpkg-deb", [
      ...["--root-owner-group", "-Zgzip", "-z6", "--build", dir, path],
    ]);
    if (code !== 0) throw new Error(`Cannot make "${path}": ${stderr.trim()}`);
    return path;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function filesOf(architecture: string): Promise<Packaged[]> {
  const units = await Promise.all(UNITS.map(async (name) => {
    const text = await Deno.readTextFile(`${ROOT}systemd/${name}`);
    const content = text.replaceAll(LOCAL_PROGRAM, PACKAGED_PROGRAM);
    return { path: `usr/lib/systemd/system/${name}`, content };
  }));
  return [
    { path: "DEBIAN/control", content: control(architecture) },
    { path: "usr/share/man/man1/phaul.1.gz", content: await gzip(manPage()) },
    { path: "usr/share/bash-completion/completions/phaul", content: bashCompletion(COMMANDS) },
    { path: "usr/share/zsh/vendor-completions/_phaul", content: zshCompletion(COMMANDS) },
    { path: "usr/share/fish/vendor_completions.d/phaul.fish", content: fishCompletion(COMMANDS) },
    { path: "usr/share/doc/phaul/copyright", content: await Deno.readTextFile(`${ROOT}LICENSE`) },
    ...units,
  ];
}

function control(architecture: string): string {
  return [
    "Package: phaul",
    `Version: ${project.version}`,
    `Architecture: ${architecture}`,
    "Maintainer: The phaul authors <phaul@localhost>",
    "Section: admin",
    "Priority: optional",
    "Depends: criu (>= 3.17), libc6",
    "Recommends: rsync",
    "Description: move a running Linux process tree to another host",
    " Memory is copied while the processes run, over several iterations; then they are",
    " frozen for an instant, dumped by CRIU, and restored on the other host. Exactly one",
    " copy runs at every moment, whatever fails.",
    "",
  ].join("\n");
}

async function put(dir: string, { path, content, mode = 0o644 }: Packaged): Promise<void> {
  const full = `${dir}/${path}`;
  await Deno.mkdir(full.slice(0, full.lastIndexOf("/")), { recursive: true, mode: 0o755 });
  if (typeof content === "string") await Deno.writeTextFile(full, content);
  else await Deno.writeFile(full, content);
  await Deno.chmod(full, mode);
}

async function gzip(text: string): Promise<Uint8Array> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
