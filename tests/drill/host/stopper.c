/*
 * Preloaded into phaul by the drill: it stops the whole process, by SIGSTOP, in the write(2) of one
 * line of `--json`. phaul writes the line of a transition before it carries the transition's actions
 * out, so that whatever the drill does then happens at exactly that pair of state and event.
 *
 * DRILL_STOP names a file: "COUNT TEXT", the line wanted is the COUNT-th that holds TEXT. It is renamed
 * to FILE.reached just before the stop, so one file stops one process once; it may be written anew at
 * any time. Nothing is passed on to the children: CRIU runs as it always does.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_WANTED = 400 };

static char wanted_path[300], reached_path[320];
static ssize_t (*next_write)(int, const void *, size_t);

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("DRILL_STOP");
  next_write = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
  if (path) {
    snprintf(wanted_path, sizeof wanted_path, "%s", path);
    snprintf(reached_path, sizeof reached_path, "%s.reached", path);
  }
  unsetenv("LD_PRELOAD");
  unsetenv("DRILL_STOP");
}

/* Counts down in the file, and says whether this was the line. */
static int is_wanted(const void *data, size_t length) {
  char wanted[MAX_WANTED] = "";
  int at = 0, count = 0;
  int fd = open(wanted_path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t n = read(fd, wanted, sizeof wanted - 1);
  while (n > 0 && wanted[n - 1] == '\n') wanted[--n] = 0;
  if (n > 0 && sscanf(wanted, "%d %n", &count, &at) == 1 && at > 0 &&
      memmem(data, length, wanted + at, n - at)) {
    char digit = '0' + --count;
    if (count > 0 && pwrite(fd, &digit, 1, 0) != 1) count = 0;
  } else
    count = -1;
  close(fd);
  return count == 0;
}

ssize_t write(int fd, const void *data, size_t length) {
  ssize_t done = next_write(fd, data, length);
  if (fd != STDOUT_FILENO || !wanted_path[0] || !is_wanted(data, length)) return done;
  if (rename(wanted_path, reached_path) == 0) kill(getpid(), SIGSTOP);
  return done;
}
