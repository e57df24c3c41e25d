/*
 * A workload that proves by itself that it is right: it appends "HOST NUMBER" to a file a hundred times
 * a second, from 1 on, and "HOST WRONG: WHY" instead when something of it is not as it was left.
 *
 *   victim counter FILE PAGES   numbers, and PAGES pages of memory that are verified in turn
 *   victim sweep FILE PAGES     the same, a sixteenth of all pages each time; and a third of them are moved
 *                               by mremap, forked over, given back or unmapped as it goes
 *   victim tree FILE PAGES      besides: a child that answers through pipes, a thread that counts, a
 *                               stopped child and a zombie
 *   victim job counter FILE PAGES  the same, but neither a daemon nor the leader of a session
 *   victim counter FILE PAGES NAME ADDRESS  besides: a datagram "tick NAME HOST NUMBER PID" to port 9000
 *                               of ADDRESS for each number
 *
 * FILE.pid names the process that counts. It has no descriptor but /dev/null, FILE and its own pipes.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, TICK_US = 10000, BUFFERED = 1000, ZOMBIE_CODE = 7, WITNESS_PORT = 9000 };

static const char *name, *witness;

static int out, down[2], up[2], buffer[2];
static pid_t stopped, zombie;
static volatile uint64_t *wakes, threaded;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void say(const char *format, uint64_t number, const char *why) {
  char host[65] = "", line[200];
  gethostname(host, sizeof host - 1);
  int length = why ? snprintf(line, sizeof line, "%s WRONG: %s\n", host, why)
                   : snprintf(line, sizeof line, format, host, (unsigned long)number);
  if (write(out, line, length) != length) _exit(1);
}

/* From a fresh socket each time: CRIU before 4.2 cannot dump one of a kernel as new as 6.18. */
static void tell_witness(uint64_t number) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(WITNESS_PORT)};
  char host[65] = "", text[300];
  gethostname(host, sizeof host - 1);
  to.sin_addr.s_addr = inet_addr(witness);
  int length = snprintf(text, sizeof text, "tick %s %s %lu %d", name, host, (unsigned long)number, getpid());
  int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (sendto(sock, text, length, 0, (struct sockaddr *)&to, sizeof to) != length)
    say(NULL, 0, "no datagram to the witness");
  close(sock);
}

static void echo(void) {
  uint64_t value;
  close(down[1]);
  close(up[0]);
  while (read(down[0], &value, sizeof value) == sizeof value) {
    value = ~value;
    if (write(up[1], &value, sizeof value) != sizeof value) break;
  }
  _exit(0);
}

static void *count(void *unused) {
  (void)unused;
  for (;; usleep(TICK_US)) threaded++;
  return NULL;
}

static pid_t child(void (*run)(void)) {
  pid_t pid = fork();
  if (pid < 0) die("fork");
  if (pid == 0) {
    run();
    _exit(1);
  }
  return pid;
}

static void stop(void) {
  for (;; ++*wakes) raise(SIGSTOP);
}

static void end(void) { _exit(ZOMBIE_CODE); }

static void grow_tree(void) {
  char bytes[BUFFERED];
  pthread_t thread;
  wakes = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (wakes == MAP_FAILED || pipe(down) || pipe(up) || pipe(buffer)) die("pipe");
  memset(bytes, 'b', sizeof bytes);
  if (write(buffer[1], bytes, sizeof bytes) != sizeof bytes) die("write");
  child(echo);
  close(down[0]);
  close(up[1]);
  stopped = child(stop);
  zombie = child(end);
  if (pthread_create(&thread, NULL, count, NULL)) die("pthread_create");
  waitpid(stopped, NULL, WUNTRACED);
}

static char state_of(pid_t pid) {
  char path[64], text[400] = "";
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return '?';
  if (read(fd, text, sizeof text - 1) < 0) text[0] = 0;
  close(fd);
  char *end = strrchr(text, ')');
  return end ? end[2] : '?';
}

/*
 * An aborted dump lets the tree go one by one. t is the tracer's hold; and whoever is let go of wakes in
 * the kernel (R) before it stops again, without running: had it run, it would have counted itself.
 */
static int rests(pid_t pid) {
  for (int looks = 0; looks < 1000; looks++, usleep(1000)) {
    char state = state_of(pid);
    if (state == 'T' || state == 't') return 1;
  }
  return 0;
}

static void verify_tree(uint64_t number) {
  static uint64_t last;
  uint64_t value = number;
  if (write(down[1], &value, sizeof value) != sizeof value) say(NULL, 0, "no pipe to the child");
  if (read(up[0], &value, sizeof value) != sizeof value || value != ~number)
    say(NULL, 0, "another answer from the child");
  if (*wakes != 0) say(NULL, 0, "the stopped child ran");
  if (number % 100) return;
  if (!rests(stopped)) say(NULL, 0, "the stopped child is not stopped");
  if (state_of(zombie) != 'Z') say(NULL, 0, "the zombie is none");
  if (threaded == last) say(NULL, 0, "the thread stands still");
  last = threaded;
}

/* A block of memory, and what it may go through: all of it is checked by whoever has it. */
enum { BLOCK = 256 };

static void check_block(uint64_t *block, uint64_t first) {
  for (size_t i = 0; i < BLOCK; i++)
    if (block[i * PAGE / 8] != first + i) say(NULL, 0, "memory differs");
}

static void fill_block(uint64_t *block, uint64_t first) {
  for (size_t i = 0; i < BLOCK; i++) block[i * PAGE / 8] = first + i;
}

/* What a heap does: blocks move, are copied by forks, given back and filled anew. */
static void stir(uint64_t **blocks, size_t count, uint64_t number) {
  size_t which = number * 7 % count, bytes = (size_t)BLOCK * PAGE;
  uint64_t *block = blocks[which], first = which * BLOCK;
  switch (number % 4) {
    case 0:
      block = mremap(block, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
                     mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
      if (block == MAP_FAILED) die("mremap");
      break;
    case 1:
      if (madvise(block, bytes, MADV_DONTNEED)) die("madvise");
      for (size_t i = 0; i < BLOCK; i++)
        if (block[i * PAGE / 8]) say(NULL, 0, "what was given back is there");
      fill_block(block, first);
      break;
    case 2:
      munmap(block, bytes);
      block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (block == MAP_FAILED) die("mmap");
      fill_block(block, first);
      break;
    default: {
      int status = 0;
      pid_t pid = fork();
      if (pid < 0) die("fork");
      if (pid == 0) {
        for (size_t i = 0; i < count; i += 5) check_block(blocks[i], i * BLOCK);
        _exit(0);
      }
      waitpid(pid, &status, 0);
      if (status) say(NULL, 0, "the forked child ended badly");
    }
  }
  blocks[which] = block;
  check_block(block, first);
}

static void sweep(size_t pages) {
  size_t count = pages / BLOCK;
  uint64_t **blocks = calloc(count, sizeof *blocks);
  for (size_t i = 0; i < count; i++) {
    blocks[i] = mmap(NULL, (size_t)BLOCK * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (blocks[i] == MAP_FAILED) die("mmap");
    fill_block(blocks[i], i * BLOCK);
  }
  for (uint64_t number = 1;; number++, usleep(TICK_US)) {
    stir(blocks, count, number);
    for (size_t i = number % 16; i < count; i += 16) check_block(blocks[i], i * BLOCK);
    say("%s %lu\n", number, NULL);
    if (witness) tell_witness(number);
  }
}

static void run(int is_tree, size_t pages) {
  unsigned char *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) die("mmap");
  for (size_t i = 0; i < pages; i++) *(uint64_t *)(memory + i * PAGE) = i;
  if (is_tree) grow_tree();
  for (uint64_t number = 1;; number++, usleep(TICK_US)) {
    uint64_t *page = (uint64_t *)(memory + (number % pages) * PAGE);
    if (*page != (number < pages ? number : number - pages)) say(NULL, 0, "memory differs");
    *page = number;
    if (is_tree) verify_tree(number);
    say("%s %lu\n", number, NULL);
    if (witness) tell_witness(number);
  }
}

static void become_clean(int is_daemon) {
  if (is_daemon && fork() > 0) _exit(0);
  if (is_daemon) setsid();
  if (chdir("/")) die("chdir");
  int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++) dup2(null, fd);
  syscall(SYS_close_range, 3, ~0U, 0);
}

static void write_pid(const char *path) {
  char name[300], partial[310];
  snprintf(name, sizeof name, "%s.pid", path);
  snprintf(partial, sizeof partial, "%s.new", name);
  FILE *file = fopen(partial, "w");
  if (!file) die(partial);
  fprintf(file, "%d\n", getpid());
  fclose(file);
  rename(partial, name);
}

int main(int count, char **arguments) {
  int is_job = count > 1 && strcmp(arguments[1], "job") == 0;
  if (is_job) arguments++, count--;
  if (count != 4 && count != 6) return 2;
  if (count == 6) name = arguments[4], witness = arguments[5];
  become_clean(!is_job);
  out = open(arguments[2], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (out < 0) die(arguments[2]);
  write_pid(arguments[2]);
  if (strcmp(arguments[1], "sweep") == 0) sweep(strtoul(arguments[3], NULL, 10));
  run(strcmp(arguments[1], "tree") == 0, strtoul(arguments[3], NULL, 10));
}
