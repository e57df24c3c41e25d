/** Real programs, as their users start them, and what shows that each still works. */

import type { Host } from "../integration/host/host.ts";

/** A program that runs on a host. */
export interface Running {
  /** Root of its tree, on the host. */
  readonly pid: number;
}

/** What a program is started with. */
export interface Ground {
  readonly host: Host;
  /** Its files; the same on both hosts. */
  readonly dir: string;
}

/** One program. */
export interface Program {
  readonly name: string;
  /** What of it is moved. */
  readonly what: string;
  /** What `phaul check` and `phaul migrate` are told for it. */
  readonly flags: readonly string[];
  start(ground: Ground): Promise<Running>;
  /** Uses it once; throws when it does not work, or has forgotten how often it was used. */
  use(ground: Ground, times: number): Promise<void>;
}

/** A text that a server answers with. */
const PAGE = "the page\n";
const POSTGRES = "/usr/lib/postgresql/15/bin";
const AS_POSTGRES = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"];

/** The programs, in the order of the table. */
export const PROGRAMS: readonly Program[] = [
  {
    name: "redis-server",
    what: "with what clients put into its memory",
    flags: [],
    async start({ host, dir }) {
      const args = ["--bind", "127.0.0.1", "--dir", dir, "--save", "", "--daemonize", "no"];
      return await detached(host, dir, ["redis-server", ...args]);
    },
    async use({ host }, times) {
      const answer = await patiently(() => host.run("redis-cli", "incr", "used"));
      expectSame(answer.trim(), String(times));
    },
  },
  {
    name: "nginx",
    what: "a master and two workers",
    flags: [],
    async start({ host, dir }) {
      await Deno.writeTextFile(`${dir}/page`, PAGE);
      await Deno.writeTextFile(`${dir}/nginx.conf`, nginxConf(dir));
      return await detached(host, dir, ["nginx", "-c", `${dir}/nginx.conf`, "-e", `${dir}/error`]);
    },
    use: ({ host }) => expectPage(host, 8080),
  },
  postgres("postgres", "a server with its helpers, and a table", []),
  postgres("postgres in a container", "the same in an IPC namespace of its own", [
    "unshare",
    "--ipc",
  ]),
  {
    name: "python3 -m http.server",
    what: "an interpreter that serves files",
    flags: [],
    async start({ host, dir }) {
      await Deno.writeTextFile(`${dir}/page`, PAGE);
      const args = ["-m", "http.server", "8000", "--bind", "127.0.0.1", "--directory", dir];
      return await detached(host, dir, ["/usr/bin/python3", ...args]);
    },
    use: ({ host }) => expectPage(host, 8000),
  },
  shell("bash in a terminal", []),
  shell("bash in a terminal", ["--shell-job"]),
  {
    name: "a container's python3",
    what: "pid, IPC and UTS namespaces of its own",
    flags: [],
    async start({ host, dir }) {
      await Deno.writeTextFile(`${dir}/page`, PAGE);
      const args = ["-m", "http.server", "8000", "--bind", "127.0.0.1", "--directory", dir];
      const own = ["unshare", "--pid", "--ipc", "--uts", "--fork", "--kill-child"];
      const outer = await detached(host, dir, [...own, "setsid", "/usr/bin/python3", ...args]);
      const inner = await patiently(async () => {
        const found = (await host.processes()).find(({ parentPid }) => parentPid === outer.pid);
        return String(found?.pid ?? "");
      });
      return { pid: Number(inner) };
    },
    use: ({ host }) => expectPage(host, 8000),
  },
];

/** A server, its commands run by `within`. */
function postgres(name: string, what: string, within: readonly string[]): Program {
  return {
    ...{ name, what, flags: [] },
    async start({ host, dir }) {
      await host.run("chown", "postgres", dir);
      const data = `${dir}/data`;
      await host.run(...AS_POSTGRES, `${POSTGRES}/initdb`, "-D", data, "-A", "trust", "-N");
      const server = [...within, ...AS_POSTGRES, `${POSTGRES}/postgres`, "-D", data, "-k", dir];
      const running = await detached(host, dir, server);
      await sql(host, "create table if not exists used (at serial); select 1");
      return running;
    },
    async use({ host }, times) {
      const count = "insert into used default values; select count(*) from used";
      expectSame(await sql(host, count), String(times));
    },
  };
}

function shell(name: string, flags: readonly string[]): Program {
  return {
    ...{ name, what: "a shell, whose terminal belongs to another process", flags },
    async start({ host, dir }) {
      const line = `echo $$ >${dir}/pid; exec bash --norc -c 'while sleep 0.1; do :; done'`;
      await detached(host, dir, ["script", "-qfc", line, "/dev/null"]);
      return { pid: Number(await patiently(() => textIn(`${dir}/pid`))) };
    },
    async use({ host, dir }) {
      await host.run("kill", "-0", await textIn(`${dir}/pid`));
    },
  };
}

function nginxConf(dir: string): string {
  return `daemon off;
user root;
worker_processes 2;
pid ${dir}/nginx.pid;
events {}
http {
  access_log ${dir}/access;
  client_body_temp_path ${dir}/body;
  proxy_temp_path ${dir}/proxy;
  fastcgi_temp_path ${dir}/fastcgi;
  uwsgi_temp_path ${dir}/uwsgi;
  scgi_temp_path ${dir}/scgi;
  server { listen 127.0.0.1:8080; root ${dir}; }
}
`;
}

/** Starts a command as a daemon would be: in a session of its own, its output in a file. */
async function detached(host: Host, dir: string, command: readonly string[]): Promise<Running> {
  // Descriptors of whoever runs this are no part of the program.
  const script = `for fd in /proc/self/fd/*; do
      [ "\${fd##*/}" -le 2 ] || eval "exec \${fd##*/}>&-"
    done
    echo $$ >${dir}/root.new && mv ${dir}/root.new ${dir}/root; cd ${dir}
    exec "$@" >>${dir}/output 2>&1`;
  await host.start(["setsid", "bash", "-c", script, "bash", ...command]);
  return { pid: Number(await patiently(() => textIn(`${dir}/root`))) };
}

async function expectPage(host: Host, port: number): Promise<void> {
  const fetching = `import urllib.request
print(urllib.request.urlopen("http://127.0.0.1:${port}/page", timeout=5).read().decode(), end="")`;
  expectSame(await patiently(() => host.run("/usr/bin/python3", "-c", fetching)), PAGE);
}

async function sql(host: Host, statement: string): Promise<string> {
  const psql = ["psql", "-h", "127.0.0.1", "-U", "postgres", "-qAt", "-c", statement];
  return (await patiently(() => host.run(...psql))).trim();
}

async function textIn(path: string): Promise<string> {
  return (await Deno.readTextFile(path)).trim();
}

/** A server takes its time to begin. */
async function patiently(ask: () => Promise<string>): Promise<string> {
  const deadline = performance.now() + 15_000;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== "") return answer;
      throw new Error("Nothing was answered");
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function expectSame(answer: string, expected: string): void {
  if (answer !== expected) throw new Error(`It answered "${answer}", not "${expected}"`);
}
