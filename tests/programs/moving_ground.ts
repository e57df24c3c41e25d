/** What programs that move between two machines stand on. */

/** A machine as programs need it: one of the harness's, or namespaces that look like one. */
export interface Machine {
  readonly name: string;
  readonly address: string;
  /** Runs a bash command; throws when it fails, unless it may. */
  run(
    command: string,
    options?: { readonly mayFail?: boolean; readonly timeoutMs?: number },
  ): Promise<{ readonly stdout: string }>;
  /** Writes a file, its folder made when missing. */
  writeFile(path: string, text: string): Promise<void>;
}

/** What a look at a program came to. */
export interface Verdict {
  /** What was found right; one that is not throws. */
  readonly found: string;
  /** How long its client had no answer; absent where it has none. */
  readonly gapMs?: number;
}

/** One program that moves. */
export interface Moving {
  readonly name: string;
  readonly what: string;
  /** Its directory: all that it writes. */
  readonly dir: string;
  /** What `phaul migrate` is told besides `--fs tree:DIR`. */
  readonly flags: string;
  readonly limits: string;
  /** Starts it, and its client; returns the pid of its tree's root when it is well at work. */
  start(alpha: Machine, beta: Machine): Promise<number>;
  /** Looks on `host` whether it goes on there, and has lost nothing; throws when not. */
  verify(alpha: Machine, host: Machine): Promise<Verdict>;
  /** Ends it and what was started beside it. */
  end(host: Machine): Promise<void>;
}

/** Where the machines have the scripts of this folder. */
export const SCRIPTS = "/srv/lab";
const NAMES = ["client.py", "sqlite_writer.py", "sqlite_verify.py"];

/** Where the servers listen; the client knows the same. */
export const PORT = { http: 8080, postgres: 5432 } as const;
const LOG = "/srv/lab/client.log";
/** Answers that a client has before its server moves, and after. */
const ENOUGH = 50;
const PATIENCE_S = 60;

/** Puts the scripts onto a machine. */
export async function bringScripts(host: Machine): Promise<void> {
  for (const name of NAMES) {
    const text = await Deno.readTextFile(new URL(name, import.meta.url));
    await host.writeFile(`${SCRIPTS}/${name}`, text);
  }
}

/** Starts a command as a daemon would be, with its output in a file; returns its pid. */
export async function daemon(host: Machine, dir: string, command: string): Promise<number> {
  // High on the source, so that the pids of its tree are free on the destination.
  const above = host.name === "alpha" ? 15_000 : 1000;
  const script = `mkdir -p ${dir}; cd ${dir}; rm -f /srv/lab/root
    [ "$(</proc/sys/kernel/ns_last_pid)" -gt ${above} ] || echo ${above} >/proc/sys/kernel/ns_last_pid
    # Descriptors of whoever runs this are no part of the program.
    for fd in /proc/self/fd/*; do [ "\${fd##*/}" -le 2 ] || eval "exec \${fd##*/}>&-"; done
    setsid bash -c 'echo $$ >/srv/lab/root.new; mv /srv/lab/root.new /srv/lab/root; exec "$@"' bash ${command} \\
      </dev/null >>${dir}/output 2>&1 &
    until [ -s /srv/lab/root ]; do sleep 0.05; done; cat /srv/lab/root`;
  return Number((await host.run(script)).stdout);
}

/** Starts the client that asks both machines in turn, and waits until it was answered a while. */
export async function clients(alpha: Machine, beta: Machine, kind: string): Promise<void> {
  await until(alpha, `/usr/bin/python3 ${SCRIPTS}/client.py verify ${kind} /dev/null 127.0.0.1`);
  const hosts = `${alpha.address} ${beta.address}`;
  await alpha.run(
    `setsid nice /usr/bin/python3 ${SCRIPTS}/client.py run ${kind} ${LOG} ${hosts} </dev/null >/srv/lab/client.err 2>&1 &`,
  );
  await until(alpha, `[ "$(grep -c ' ok ' ${LOG})" -gt ${ENOUGH} ]`);
}

/** Waits until the client is answered by `host`; then all that it was ever answered must be there. */
export async function ask(alpha: Machine, kind: string, host: Machine): Promise<Verdict> {
  const since = (await alpha.run(`wc -l <${LOG}`)).stdout.trim();
  const news = `tail -n +$((${since} + 1)) ${LOG} | grep -c ' ok .* ${host.address}$'`;
  await until(alpha, `[ "$(${news})" -gt ${ENOUGH} ]`);
  const verify = `/usr/bin/python3 ${SCRIPTS}/client.py verify ${kind} ${LOG} ${host.address}`;
  const { before, after, lost, gapMs, wrong } = JSON.parse((await alpha.run(verify)).stdout);
  if (wrong !== "") throw new Error(wrong);
  const kept = kind === "http" ? "whole" : "there, each once";
  const answers = before === 0 ? `${after} answers` : `${before} answers before and ${after} after`;
  const found = `${answers}, all ${kept}; ${lost} broken off`;
  return { found, gapMs: gapMs ?? undefined };
}

/** Waits until a command succeeds on `host`. */
export async function until(host: Machine, command: string): Promise<void> {
  const loop = `for i in $(seq ${PATIENCE_S * 2}); do { ${command}; } >/srv/lab/until 2>&1 && exit 0
    sleep 0.5; done; cat /srv/lab/until; exit 1`;
  await host.run(loop, { timeoutMs: PATIENCE_S * 4000 });
}

/** Ends all of a program on `host`, and the client. */
export async function killed(host: Machine, name: string): Promise<void> {
  await host.run(
    `pkill -9 -f '[c]lient.py run'; pkill -9 -f '^[^ ]*${name}'; rm -f ${LOG}; true`,
  );
}
