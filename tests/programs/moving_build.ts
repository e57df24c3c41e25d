/** A build by make and gcc that moves while it is under way. */

import { daemon, killed, type Machine, type Moving, until } from "./moving_ground.ts";

const DIR = "/srv/build";
const FILES = 24;
const FUNCTIONS = 120;

const MAKEFILE = `OBJECTS := $(patsubst %.c,%.o,$(wildcard part*.c)) main.o
prog: $(OBJECTS)
	gcc -o $@ $(OBJECTS)
%.o: %.c
	gcc -O2 -c -o $@ $<
`;

/** The row of the table. */
export const BUILD: Moving = {
  ...{ name: "make", dir: DIR, flags: "--fs open" },
  what: `a build of ${FILES + 1} files by gcc, two at a time, in the middle`,
  limits: "The compiler's temporary files are named, not open: TMPDIR must lie in the tree.",
  async start(alpha) {
    await writeSources(alpha);
    const pid = await daemon(alpha, DIR, "env TMPDIR=/srv/build/tmp make -j2 prog");
    await until(alpha, `[ "$(ls ${DIR}/*.o | wc -l)" -ge 5 ]`);
    return pid;
  },
  async verify(_alpha, host) {
    const done = Number((await host.run(`grep -c -- ' -c ' ${DIR}/output`)).stdout);
    await until(host, `[ -x ${DIR}/prog ] && ! pgrep -x make`);
    // The same sources, built anew without a migration: the compiler is one that repeats itself.
    const look = `cd ${DIR} && ! grep -i error output && mkdir again && cp *.c Makefile again/ &&
      [ "$(sort output | uniq -d)" = "" ] && [ "$(grep -c -- ' -c ' output)" = ${FILES + 1} ] &&
      make -C again -j2 prog >/dev/null && cmp prog again/prog && ./prog`;
    const { stdout } = await host.run(look, { timeoutMs: 600_000 });
    return {
      found:
        `${done} of ${FILES + 1} begun soon after the move, each compiled once; the program is ` +
        `byte for byte that of a build at rest, and prints ${stdout.trim()}`,
    };
  },
  end: (host) => killed(host, "make"),
};

async function writeSources(host: Machine): Promise<void> {
  const script = `mkdir -p ${DIR}/tmp; cd ${DIR}
    for i in $(seq ${FILES}); do
      { for j in $(seq ${FUNCTIONS}); do
          echo "static int f$j(int x) { for (int k = 0; k < x; k++) x ^= k * $j + x / (k + $i); return x; }"
        done
        echo "int part$i(int x) {"
        for j in $(seq ${FUNCTIONS}); do echo "  x += f$j(x & 63);"; done
        echo "  return x; }"; } >part$i.c
    done
    { echo "#include <stdio.h>"; for i in $(seq ${FILES}); do echo "int part$i(int);"; done
      echo "int main(void) { unsigned sum = 0;"
      for i in $(seq ${FILES}); do echo "  sum += part$i($i);"; done
      echo '  printf("%u\\n", sum); return 0; }'; } >main.c`;
  await host.run(script);
  await host.writeFile(`${DIR}/Makefile`, MAKEFILE);
}
