/*
 * bench_run USAGE COMMAND...: runs a command and writes to USAGE, as JSON, how long it took, what
 * processor time it and those it waited for used, and the most memory that any of them had. SIGTERM
 * is passed on.
 */
#include "bench.h"
#include <sys/resource.h>
#include <sys/wait.h>

static pid_t child;

static void pass_on(int signal) { kill(child, signal); }

static double ms(struct timeval t) { return t.tv_sec * 1e3 + t.tv_usec / 1e3; }

int main(int argc, char **argv) {
  struct rusage used;
  int status = 0;
  if (argc < 3) return fprintf(stderr, "usage: bench_run USAGE COMMAND...\n"), 2;
  uint64_t began = now_us();
  child = fork();
  if (child == 0) {
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    _exit(127);
  }
  signal(SIGTERM, pass_on);
  while (wait4(child, &status, 0, &used) < 0 && errno == EINTR);
  uint64_t ended = now_us();
  FILE *out = fopen(argv[1], "w");
  if (!out) die(argv[1]);
  fprintf(out,
          "{\"beganUs\":%llu,\"endedUs\":%llu,\"userMs\":%.3f,\"systemMs\":%.3f,\"peakKib\":%ld}\n",
          (unsigned long long)began, (unsigned long long)ended, ms(used.ru_utime),
          ms(used.ru_stime), used.ru_maxrss);
  fclose(out);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
