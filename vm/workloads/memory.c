/*
 * A process tree with every kind of memory that CRIU tells apart, which changes a part of it when told.
 *
 * memory DIR
 *
 * Writes "0" to DIR/step when all is there. When DIR/go-N appears, it changes some of each kind, in the
 * root and in its child, and then writes N to DIR/step.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096L
#define KIB 1024L
#define MIB (1024 * KIB)

static const char *dir;
static char *plain, *holes, *cow, *locked, *huge, *fading, *guarded, *zeros;
static char *shared, *posix, *file_private, *file_shared;

static void die(const char *what) {
  perror(what);
  _exit(1);
}

static void *map(long bytes, int flags, int fd) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (memory == MAP_FAILED) die("mmap");
  return memory;
}

static char *anonymous(long bytes) { return map(bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1); }

/* Every `stride`th page from `first` on gets contents that only this place and this step have. */
static void fill(char *memory, long bytes, long first, long stride, long step) {
  for (long page = first; page * PAGE < bytes; page += stride) {
    uint64_t *words = (uint64_t *)(memory + page * PAGE);
    for (long i = 0; i < PAGE / 8; i++)
      words[i] = ((uint64_t)(uintptr_t)words + (uint64_t)step * 977) * 0x9E3779B97F4A7C15UL;
  }
}

static int file(const char *name, long bytes) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (fd < 0 || ftruncate(fd, bytes)) die(path);
  return fd;
}

static void tell(long step) {
  char path[4096], next[4096];
  snprintf(path, sizeof path, "%s/step", dir);
  snprintf(next, sizeof next, "%s/step.new", dir);
  FILE *out = fopen(next, "w");
  if (!out) die(next);
  fprintf(out, "%ld\n", step);
  fclose(out);
  if (rename(next, path)) die(path);
}

static void set_up(void) {
  plain = anonymous(2 * MIB);
  fill(plain, 2 * MIB, 0, 1, 0);
  holes = anonymous(4 * MIB);
  fill(holes, 4 * MIB, 1, 7, 0);
  cow = anonymous(MIB);
  fill(cow, MIB, 0, 1, 0);
  locked = anonymous(256 * KIB);
  if (mlock(locked, 256 * KIB)) die("mlock");
  fill(locked, 256 * KIB, 0, 2, 0);
  huge = anonymous(6 * MIB);
  huge += 2 * MIB - (uintptr_t)huge % (2 * MIB);
  if (madvise(huge, 4 * MIB, MADV_HUGEPAGE)) die("madvise");
  fill(huge, 4 * MIB, 0, 5, 0);
  fading = anonymous(MIB);
  fill(fading, MIB, 0, 1, 0);
  guarded = anonymous(256 * KIB);
  fill(guarded, 256 * KIB, 0, 1, 0);
  if (mprotect(guarded, 256 * KIB, PROT_NONE)) die("mprotect");
  /* Read, which maps the zero page; and written with nothing but zeros. */
  zeros = anonymous(512 * KIB);
  for (long i = 0; i < 256 * KIB; i += PAGE) (void)*(volatile char *)(zeros + i);
  memset(zeros + 256 * KIB, 0, 256 * KIB);
  shared = map(MIB, MAP_SHARED | MAP_ANONYMOUS, -1);
  fill(shared, MIB, 0, 3, 0);
  int fd = memfd_create("memory", 0);
  if (fd < 0 || ftruncate(fd, MIB)) die("memfd_create");
  posix = map(MIB, MAP_SHARED, fd);
  fill(posix, MIB, 2, 4, 0);
  file_private = map(512 * KIB, MAP_PRIVATE, file("private", 512 * KIB));
  fill(file_private, 512 * KIB, 0, 4, 0);
  file_shared = map(512 * KIB, MAP_SHARED, file("shared", 512 * KIB));
  fill(file_shared, 512 * KIB, 0, 4, 0);
}

static void change(long step, int child) {
  long seed = step * 2 + child;
  fill(plain, 2 * MIB, seed, 11, seed);
  fill(holes, 4 * MIB, 3 * seed, 13, seed);
  fill(cow, MIB, child, 4, seed);
  fill(locked, 256 * KIB, seed, 9, seed);
  fill(huge, 4 * MIB, seed, 300, seed);
  if (madvise(fading + seed * 64 * KIB, 32 * KIB, MADV_DONTNEED)) die("madvise");
  fill(zeros, 512 * KIB, seed, 17, seed);
  fill(shared, MIB, 10 + child, 12, seed);
  fill(posix, MIB, 20 + child, 14, seed);
  fill(file_private, 512 * KIB, seed, 6, seed);
  fill(file_shared, 512 * KIB, seed, 6, seed);
}

static void serve_child(int commands, int answers) {
  char byte;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (long step = 1; read(commands, &byte, 1) == 1; step++) {
    change(step, 1);
    if (write(answers, &byte, 1) != 1) die("write");
  }
  _exit(0);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  dir = argv[1];
  set_up();
  int commands[2], answers[2];
  if (pipe(commands) || pipe(answers)) die("pipe");
  pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    close(commands[1]);
    serve_child(commands[0], answers[1]);
  }
  tell(0);
  char byte;
  for (long step = 1; ; step++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/go-%ld", dir, step);
    while (access(path, F_OK)) usleep(5000);
    change(step, 0);
    if (write(commands[1], "x", 1) != 1 || read(answers[0], &byte, 1) != 1) die("child");
    tell(step);
  }
}
