/*
 * A workload that writes to many files as fast as it can and has all that it ever wrote in memory too:
 * blocks of open files, blocks of a file that is mapped, a log, and small files that come and go.
 *
 *   writer DIR STATUS
 *
 * STATUS.pid names the process. On SIGUSR1 it compares every byte of every file, opened anew, with its
 * memory, and appends "HOST OK WRITES" or "HOST WRONG: FILE" to STATUS.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BLOCK = 4096, BLOCKS = 256, FILES = 3, SMALL = 32, LOG = 1 << 22, PAUSE_US = 200 };

static const char *dir, *status;
static int fds[FILES], logfd;
static unsigned char *copy[FILES], *mapped, *mapped_copy, small[SMALL][BLOCK], *log_copy;
static int there[SMALL];
static size_t logged;
static volatile sig_atomic_t asked;
static uint64_t state = 88172645463325252ULL, writes;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

static void fill(unsigned char *into, size_t bytes) {
  for (size_t i = 0; i + 8 <= bytes; i += 8) *(uint64_t *)(into + i) = next();
}

static char *name(const char *kind, int number) {
  static char path[4200];
  snprintf(path, sizeof path, "%s/%s%d", dir, kind, number);
  return path;
}

static void say(const char *text, const char *what) {
  char host[65] = "", line[4400];
  gethostname(host, sizeof host - 1);
  int length = snprintf(line, sizeof line, "%s %s%s\n", host, text, what);
  int fd = open(status, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, line, length) != length) _exit(1);
  close(fd);
}

static void asked_for(int unused) {
  (void)unused;
  asked = 1;
}

static void write_small(int which) {
  char from[4300];
  fill(small[which], BLOCK);
  snprintf(from, sizeof from, "%s.new", name("small/", which));
  int fd = open(from, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (fd < 0 || write(fd, small[which], BLOCK) != BLOCK) die(from);
  close(fd);
  if (rename(from, name("small/", which))) die("rename");
  there[which] = 1;
}

static void step(void) {
  unsigned char block[BLOCK];
  uint64_t chance = next();
  size_t at = (chance >> 8) % BLOCKS * BLOCK;
  int which = (chance >> 32) % FILES, one = (chance >> 40) % SMALL;
  fill(block, BLOCK);
  switch (chance % 8) {
    case 0:
      write_small(one);
      break;
    case 1:
      if (there[one] && unlink(name("small/", one))) die("unlink");
      there[one] = 0;
      break;
    case 2:
      if (logged + 64 > LOG) break;
      if (write(logfd, block, 64) != 64) die("log");
      memcpy(log_copy + logged, block, 64);
      logged += 64;
      break;
    case 3:
    case 4:
      memcpy(mapped + at, block, BLOCK);
      memcpy(mapped_copy + at, block, BLOCK);
      break;
    default:
      if (pwrite(fds[which], block, BLOCK, at) != BLOCK) die("pwrite");
      memcpy(copy[which] + at, block, BLOCK);
  }
  writes++;
}

static int same(const char *path, const unsigned char *copy, size_t bytes) {
  static unsigned char content[LOG];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t got = 0, count;
  while (got < LOG && (count = read(fd, content + got, LOG - got)) > 0) got += count;
  close(fd);
  return got == (ssize_t)bytes && memcmp(content, copy, bytes) == 0;
}

static void compare(void) {
  char text[64];
  size_t bytes = (size_t)BLOCKS * BLOCK;
  for (int i = 0; i < FILES; i++)
    if (!same(name("data", i), copy[i], bytes)) return say("WRONG: ", name("data", i));
  if (!same(name("mapped", 0), mapped_copy, bytes)) return say("WRONG: ", "mapped");
  if (!same(name("log", 0), log_copy, logged)) return say("WRONG: ", "log");
  for (int i = 0; i < SMALL; i++) {
    if (!there[i] && access(name("small/", i), F_OK) == 0) return say("WRONG: too much ", name("small/", i));
    if (there[i] && !same(name("small/", i), small[i], BLOCK)) return say("WRONG: ", name("small/", i));
  }
  snprintf(text, sizeof text, "OK %lu", (unsigned long)writes);
  say(text, "");
}

static int make(const char *path) {
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, (off_t)BLOCKS * BLOCK)) die(path);
  return fd;
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  dir = arguments[1];
  status = arguments[2];
  if (fork() > 0) _exit(0);
  setsid();
  if (chdir(dir)) die(dir);
  int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++) dup2(null, fd);
  syscall(SYS_close_range, 3, ~0U, 0);
  signal(SIGUSR1, asked_for);
  size_t bytes = (size_t)BLOCKS * BLOCK;
  char folder[4200];
  snprintf(folder, sizeof folder, "%s/small", dir);
  mkdir(folder, 0750);
  for (int i = 0; i < FILES; i++) {
    fds[i] = make(name("data", i));
    copy[i] = calloc(BLOCKS, BLOCK);
  }
  int fd = make(name("mapped", 0));
  mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) die("mmap");
  close(fd);
  mapped_copy = calloc(BLOCKS, BLOCK);
  log_copy = malloc(LOG);
  logfd = open(name("log", 0), O_WRONLY | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  char pid[4200];
  snprintf(pid, sizeof pid, "%s.pid.new", status);
  FILE *file = fopen(pid, "w");
  if (!file) die(pid);
  fprintf(file, "%d\n", getpid());
  fclose(file);
  snprintf(folder, sizeof folder, "%s.pid", status);
  rename(pid, folder);
  for (;; usleep(PAUSE_US)) {
    for (int i = 0; i < 4; i++) step();
    if (asked) asked = 0, compare();
  }
}
