/** Each thing that CRIU is known to say, said by a real CRIU. */

import { assertEquals } from "@std/assert";
import {
  CriuError,
  type CriuOptions,
  CriuSession,
  type NotifyContext,
} from "../../../src/criu/mod.ts";
import { KNOWN_MESSAGES } from "../../../src/criu/known_messages.ts";
import { hostCriu } from "../../../tools/host_criu.ts";
import { run } from "../../../tools/process.ts";
import { criuPath, stateOf, TestDir, until } from "./fixture.ts";

/** How CRIU is brought to say it. */
type Provocation = (dir: TestDir) => Promise<CriuError>;

/** Kernels and CRIUs differ in these, so that no one machine can be made to show them. */
const NOT_HERE: Readonly<Record<string, string>> = {
  "kernel-unknown": "needs a CRIU that does not know this kernel, and passes its own check",
  "dirty-tracking": "needs a kernel without dirty tracking, and is asked for before any pre-dump",
};

const PROVOCATIONS: Readonly<Record<string, Provocation>> = {
  "tcp-connection": async (dir) => {
    await using program = await perl(
      dir,
      `use IO::Socket::INET;
       my $to = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die;
       my $one = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $to->sockport) or die;
       my $other = $to->accept; close $to;`,
    );
    return await refusedDump(dir, program, {}, await hostCriu({ suite: "sid" }));
  },
  "terminal": async (dir) => {
    await using program = await started(dir, "script", [
      "-qfc",
      "echo $$ >pid; exec sleep 100",
      "/dev/null",
    ]);
    return await refusedDump(dir, program);
  },
  "ghost-file": async (dir) => {
    await using program = await perl(
      dir,
      `open my $file, ">", "deleted"; print $file "x" x 2_000_000; $file->flush; unlink "deleted";`,
    );
    return await refusedDump(dir, program);
  },
  "file-locks": async (dir) => {
    await using program = await perl(dir, `open my $file, ">", "locked"; flock $file, 2;`);
    return await refusedDump(dir, program);
  },
  "link-remap": async (dir) => {
    await using program = await perl(
      dir,
      `open my $file, ">", "first"; link "first", "second"; unlink "first";`,
    );
    return await refusedDump(dir, program);
  },
  "external-socket": async (dir) => {
    await using program = await perl(
      dir,
      `use Socket; socketpair(my $here, my $there, AF_UNIX, SOCK_STREAM, 0) or die;
       if (fork) { close $there; wait; exit }
       close $here; use POSIX; POSIX::setsid(); push @kept, $there;`,
    );
    return await refusedDump(dir, program);
  },
  "file-missing": async (dir) => {
    await dumped(dir, `open my $file, ">", "data"; print $file "x"; $file->flush;`);
    await Deno.remove(`${dir.path}/data`);
    return await refusedRestore(dir);
  },
  "file-differs": async (dir) => {
    await dumped(dir, `open my $file, ">", "data"; print $file "x"; $file->flush;`);
    await Deno.writeTextFile(`${dir.path}/data`, "longer");
    return await refusedRestore(dir);
  },
  "pid-taken": async (dir) => {
    await using program = await perl(dir, "");
    await using session = CriuSession.start(criuPath);
    await session.dump(
      { pid: program.pid, imagesDir: dir.sub("images"), leaveRunning: true },
      () => {},
    );
    return await refusedRestore(dir);
  },
  "address-taken": async (dir) => {
    const sid = await hostCriu({ suite: "sid" });
    const listen = (port: string) =>
      `use IO::Socket::INET;
       my $to = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1", LocalPort => ${port}) or die;
       open my $file, ">", "port"; print $file $to->sockport; close $file; push @kept, $to;`;
    await dumped(dir, listen("0"), sid);
    await using _other = await perl(
      dir,
      listen(await Deno.readTextFile(`${dir.path}/port`)),
      "other",
    );
    return await refusedRestore(dir, sid);
  },
  "no-space": async (dir) => {
    await using program = await perl(dir, "my $much = 'x' x 4_000_000; push @kept, $much;");
    const images = dir.sub("images");
    const mounted = await run("mount", ["-t", "tmpfs", "-o", "size=1m", "none", images]);
    assertEquals(mounted.code, 0, mounted.stderr);
    try {
      return await refusal((session) => session.dump({ pid: program.pid, imagesDir: images }, no));
    } finally {
      await run("umount", [images]);
    }
  },
};

for (const { id, pattern, remedy } of KNOWN_MESSAGES) {
  if (id in NOT_HERE) continue;
  Deno.test(`known message: ${id}`, async () => {
    const provoke = PROVOCATIONS[id];
    if (provoke === undefined) throw new Error("Nobody knows how to bring CRIU to say it");
    using dir = new TestDir();
    const error = await provoke(dir);
    assertEquals(pattern.test(error.reason), true, `${error.reason}\n${error.lines.join("\n")}`);
    assertEquals(error.remedy, remedy, error.reason);
  });
}

/** A program in a session of its own. */
interface Program extends AsyncDisposable {
  readonly pid: number;
}

/** Runs a piece of Perl in `dir`; what it pushes on `@kept` stays open. */
async function perl(dir: TestDir, text: string, name = "program"): Promise<Program> {
  const script = `our @kept; chdir "${dir.path}"; ${text}
    open my $pid, ">", "${name}.new"; print $pid $$; close $pid; rename "${name}.new", "${name}.pid";
    select undef, undef, undef, 0.05 while 1;`;
  return await started(dir, "perl", ["-e", script], `${name}.pid`);
}

/** Starts a program that writes a pid into \`pidFile\`; that process, and the program, end with it. */
async function started(
  dir: TestDir,
  command: string,
  args: readonly string[],
  pidFile = "pid",
): Promise<Program> {
  const child = new Deno.Command("setsid", {
    args: ["--wait", command, ...args],
    cwd: dir.path,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const read = () => {
    try {
      return Number(Deno.readTextFileSync(`${dir.path}/${pidFile}`));
    } catch {
      return 0;
    }
  };
  await until(() => read() > 0, `${command} does not begin`);
  const pid = read();
  return {
    pid,
    async [Symbol.asyncDispose]() {
      for (const one of [pid, child.pid]) {
        try {
          Deno.kill(one, "SIGKILL");
        } catch {
          // Dumped, and gone.
        }
      }
      await child.status;
    },
  };
}

/** Nothing of this is to succeed. */
function no({ name }: NotifyContext): void {
  if (name.startsWith("post-")) throw new Error("Should not have come so far");
}

async function refusal(
  ask: (session: CriuSession) => Promise<unknown>,
  criu = criuPath,
): Promise<CriuError> {
  await using session = CriuSession.start(criu);
  try {
    await ask(session);
  } catch (error) {
    if (error instanceof CriuError && error.cause === undefined) return error;
    throw error;
  }
  throw new Error("CRIU had nothing to say against it");
}

async function refusedDump(
  dir: TestDir,
  { pid }: Program,
  options: Partial<CriuOptions> = {},
  criu = criuPath,
): Promise<CriuError> {
  const imagesDir = dir.sub("images");
  return await refusal((session) => session.dump({ pid, imagesDir, ...options }, no), criu);
}

/** A program that was dumped, and is gone. */
async function dumped(dir: TestDir, text: string, criu = criuPath): Promise<void> {
  await using program = await perl(dir, text);
  await using session = CriuSession.start(criu);
  await session.dump({ pid: program.pid, imagesDir: dir.sub("images") }, () => {});
  await until(() => stateOf(program.pid) === undefined, "it is still there");
}

async function refusedRestore(dir: TestDir, criu = criuPath): Promise<CriuError> {
  const imagesDir = `${dir.path}/images`;
  return await refusal((session) => session.restore({ imagesDir }, no), criu);
}
