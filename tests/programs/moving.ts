/** Real programs that move between two machines with their files, and what shows that all is whole. */

import { BUILD } from "./moving_build.ts";
import {
  ask,
  clients,
  daemon,
  killed,
  type Moving,
  PORT,
  SCRIPTS,
  until,
} from "./moving_ground.ts";

const POSTGRES = "/usr/lib/postgresql/15/bin";
const AS_POSTGRES = "setpriv --reuid postgres --regid postgres --clear-groups";
const CLOSED =
  "Its clients connect again (`--tcp-close`); to keep them connected: [tcp.md](tcp.md).";

/** The programs, in the order of the table. */
export const MOVING: readonly Moving[] = [
  {
    ...{ name: "redis-server", dir: "/srv/redis", flags: "--tcp-close", limits: CLOSED },
    what: "appends to its file at each write",
    async start(alpha, beta) {
      const pid = await daemon(alpha, this.dir, redis(this.dir));
      await clients(alpha, beta, "redis");
      return pid;
    },
    async verify(alpha, host) {
      const moved = await ask(alpha, "redis", host);
      const again = `redis-cli shutdown; while pgrep -x redis-server; do sleep 0.1; done`;
      await host.run(again, { mayFail: true });
      await daemon(host, this.dir, redis(this.dir));
      await ask(alpha, "redis", host);
      return { ...moved, found: `${moved.found}; all there again when started anew on its files` };
    },
    end: (host) => killed(host, "redis-server"),
  },
  {
    ...{ name: "postgres", dir: "/srv/postgres", flags: "--fs open --tcp-close" },
    what: "in an IPC namespace of its own, inserts committed one by one",
    limits: "Its System V memory needs the namespace, and what it has in /dev/shm `--fs open`. " +
      "Clients connect again.",
    async start(alpha, beta) {
      for (const host of [alpha, beta]) {
        await host.run(
          "grep -q ^postgres /etc/passwd || " +
            "{ echo postgres:x:500:500::/srv/postgres:/bin/sh >>/etc/passwd; echo postgres:x:500: >>/etc/group; }",
        );
      }
      const { dir } = this;
      await alpha.run(
        `mkdir -p ${dir} && chown postgres:postgres ${dir} && chmod 700 ${dir} && cd ${dir} &&
        ${AS_POSTGRES} ${POSTGRES}/initdb -D ${dir}/data -A trust -N --locale C -E UTF8 &&
        echo "host all all 10.0.0.0/8 trust" >>${dir}/data/pg_hba.conf`,
        { timeoutMs: 400_000 },
      );
      const pid = await daemon(alpha, dir, postgres(dir));
      await until(alpha, sql("create table log (id serial, number integer)"));
      await clients(alpha, beta, "postgres");
      return pid;
    },
    async verify(alpha, host) {
      const moved = await ask(alpha, "postgres", host);
      // As after a power cut: what was committed has to come back from the files alone.
      await host.run(
        `kill -QUIT $(head -1 ${this.dir}/data/postmaster.pid); ` +
          "while pgrep -x postgres; do sleep 0.1; done",
      );
      await daemon(host, this.dir, postgres(this.dir));
      await until(host, sql("select 1"));
      await ask(alpha, "postgres", host);
      return { ...moved, found: `${moved.found}; all there again after a crash and a recovery` };
    },
    end: (host) => killed(host, "postgres"),
  },
  {
    ...{ name: "sqlite", dir: "/srv/sqlite", flags: "--file-locks" },
    what: "python3 that commits row by row, with a write-ahead log",
    limits: "It holds locks on its files: `--file-locks`.",
    async start(alpha) {
      const { dir } = this;
      const pid = await daemon(
        alpha,
        dir,
        `/usr/bin/python3 ${SCRIPTS}/sqlite_writer.py ${dir}/db`,
      );
      await until(alpha, `[ "$(${rows(dir)})" -gt 50 ]`);
      return pid;
    },
    async verify(_alpha, host) {
      const before = Number((await host.run(rows(this.dir))).stdout);
      await until(host, `[ "$(${rows(this.dir)})" -gt ${before + 50} ]`);
      const { stdout } = await host.run(rows(this.dir));
      return { found: `integrity_check ok; each of ${stdout.trim()} rows, and more come` };
    },
    end: (host) => killed(host, "python3"),
  },
  {
    ...{ name: "nginx", dir: "/srv/nginx", flags: "--tcp-close", limits: CLOSED },
    what: "a master and two workers that serve a tree of files",
    async start(alpha, beta) {
      const { dir } = this;
      await alpha.run(
        `mkdir -p ${dir}/pages && /usr/bin/python3 ${SCRIPTS}/client.py pages ${dir}/pages`,
      );
      await alpha.writeFile(`${dir}/nginx.conf`, nginxConf(dir));
      const pid = await daemon(alpha, dir, `nginx -c ${dir}/nginx.conf -e ${dir}/error`);
      await clients(alpha, beta, "http");
      return pid;
    },
    async verify(alpha, host) {
      const moved = await ask(alpha, "http", host);
      const { stdout } = await host.run("pgrep -xc nginx");
      if (stdout.trim() !== "3") throw new Error(`${stdout.trim()} processes, not 3`);
      // A reload has it open its files and start its workers anew.
      await host.run(`nginx -c ${this.dir}/nginx.conf -e ${this.dir}/error -s reload`);
      await ask(alpha, "http", host);
      return { ...moved, found: `${moved.found}; it reloads` };
    },
    end: (host) => killed(host, "nginx"),
  },
  {
    ...{ name: "python3 -m http.server", dir: "/srv/http", flags: "--tcp-close", limits: CLOSED },
    what: "an interpreter that serves a tree of files",
    async start(alpha, beta) {
      const { dir } = this;
      await alpha.run(`mkdir -p ${dir} && /usr/bin/python3 ${SCRIPTS}/client.py pages ${dir}`);
      const pid = await daemon(
        alpha,
        dir,
        `/usr/bin/python3 -m http.server ${PORT.http} --directory ${dir}`,
      );
      await clients(alpha, beta, "http");
      return pid;
    },
    verify: (alpha, host) => ask(alpha, "http", host),
    end: (host) => killed(host, "python3"),
  },
  {
    ...{ name: "memcached", dir: "/srv/memcached", flags: "--tcp-close", limits: CLOSED },
    what: "values in memory, four threads",
    async start(alpha, beta) {
      const pid = await daemon(alpha, this.dir, "memcached -u root -t 4");
      await clients(alpha, beta, "memcached");
      return pid;
    },
    verify: (alpha, host) => ask(alpha, "memcached", host),
    end: (host) => killed(host, "memcached"),
  },
  {
    ...{ name: "tmux", dir: "/srv/tmux", flags: "" },
    what: "a detached session: a shell that counts into a file and onto its screen",
    limits: "The server is moved, detached: a client has the terminal of another process.",
    async start(alpha) {
      const { dir } = this;
      const loop = "i=0; while sleep 0.1; do i=$((i+1)); echo tick $i | tee -a ticks; done";
      await alpha.run(`mkdir -p ${dir} && cd ${dir} && echo 18000 >/proc/sys/kernel/ns_last_pid &&
        ${tmux(dir)} new-session -d 'bash --norc -i' </dev/null >/dev/null 2>&1`);
      await alpha.run(`${tmux(dir)} send-keys '${loop}' Enter`);
      await until(alpha, `[ "$(wc -l <${dir}/ticks)" -gt 20 ]`);
      return Number((await alpha.run(`${tmux(dir)} display -p '#{pid}'`)).stdout);
    },
    async verify(_alpha, host) {
      const { dir } = this;
      const before = Number((await host.run(`wc -l <${dir}/ticks`)).stdout);
      await until(host, `[ "$(wc -l <${dir}/ticks)" -gt ${before + 20} ]`);
      await host.run(`${tmux(dir)} send-keys C-c 'echo counted $i' Enter`);
      await until(host, `${tmux(dir)} capture-pane -p | grep -q '^counted'`);
      const right = `seq -f 'tick %g' "$(wc -l <${dir}/ticks)" | cmp - ${dir}/ticks &&
        ${tmux(dir)} capture-pane -pS - | grep -qx 'tick 1'`;
      await host.run(right);
      const { stdout } = await host.run(`wc -l <${dir}/ticks`);
      return { found: `each of ${stdout.trim()} ticks once; the scrollback; it takes keys` };
    },
    end: (host) => killed(host, "tmux"),
  },
  BUILD,
];

function redis(dir: string): string {
  const durable = "--appendonly yes --appendfsync everysec";
  return `redis-server --bind 0.0.0.0 --protected-mode no --dir ${dir} ${durable}`;
}

function postgres(dir: string): string {
  const args = `-D ${dir}/data -k ${dir} -c listen_addresses='*' -p ${PORT.postgres}`;
  return `unshare --ipc ${AS_POSTGRES} ${POSTGRES}/postgres ${args}`;
}

function sql(statement: string): string {
  return `psql -h 127.0.0.1 -U postgres -qAt -c "${statement}"`;
}

function rows(dir: string): string {
  return `/usr/bin/python3 ${SCRIPTS}/sqlite_verify.py ${dir}/db`;
}

function tmux(dir: string): string {
  return `TERM=linux tmux -f /dev/null -S ${dir}/socket`;
}

function nginxConf(dir: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) =>
    `  ${name}_temp_path ${dir}/${name};\n`
  );
  return `daemon off;
user root;
worker_processes 2;
pid ${dir}/nginx.pid;
events {}
http {
  access_log ${dir}/access;
${temporary.join("")}  server { listen ${PORT.http}; root ${dir}/pages; }
}
`;
}
