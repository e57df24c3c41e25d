/*
 * What all workloads share: options, becoming a daemon, the tick that the witness sees, and answers
 * to questions. A workload holds no regular file but its binary and no descriptor but /dev/null and
 * one UDP socket, bound so that it can be restored under the same port.
 *
 *   --name NAME     in witness datagrams (default: the program's name)
 *   --port PORT     UDP port for questions (default 7000)
 *   --tick MS       between ticks (default 20)
 *   --open PATH     holds that file open for reading
 *   --witness       sends datagrams; only for guests, which have the witness network
 *   --daemon        runs on in a session of its own, without a terminal
 */
#ifndef WORKLOAD_H
#define WORKLOAD_H
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096

struct workload {
  const char *name, *open_path;
  int port, tick_ms, daemon, witness;
  int sock, ready;
  uint64_t sequence, send_errors;
};

static inline void die(const char *what) {
  perror(what);
  exit(1);
}

/* The value of option `name`, or `fallback`. */
static inline const char *option(int argc, char **argv, const char *name, const char *fallback) {
  for (int i = 1; i + 1 < argc; i++)
    if (strcmp(argv[i], name) == 0) return argv[i + 1];
  return fallback;
}

static inline int flag(int argc, char **argv, const char *name) {
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], name) == 0) return 1;
  return 0;
}

static inline long number(int argc, char **argv, const char *name, long fallback) {
  const char *text = option(argc, argv, name, NULL);
  return text ? atol(text) : fallback;
}

static inline void announce(const struct workload *w, pid_t pid) {
  printf("pid %d port %d name %s\n", pid, w->port, w->name);
  fflush(stdout);
}

/* Forks; the parent waits until the child is set up, says its pid and ends. */
static inline void become_daemon(struct workload *w) {
  int pipes[2];
  char byte;
  if (pipe(pipes)) die("pipe");
  pid_t pid = fork();
  if (pid < 0) die("fork");
  if (pid > 0) {
    close(pipes[1]);
    if (read(pipes[0], &byte, 1) != 1) _exit(1);
    announce(w, pid);
    exit(0);
  }
  close(pipes[0]);
  w->ready = pipes[1];
  if (setsid() < 0 || chdir("/") != 0) die("setsid");
}

static inline void workload_init(struct workload *w, int argc, char **argv) {
  const char *program = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
  struct sockaddr_in address = {.sin_family = AF_INET};
  *w = (struct workload){
      .name = option(argc, argv, "--name", program),
      .open_path = option(argc, argv, "--open", NULL),
      .port = number(argc, argv, "--port", 7000),
      .tick_ms = number(argc, argv, "--tick", 20),
      .daemon = flag(argc, argv, "--daemon"),
      .witness = flag(argc, argv, "--witness"),
      .ready = -1,
  };
  close_range(3, ~0U, 0);
  if (w->daemon) become_daemon(w);
  w->sock = socket(AF_INET, SOCK_DGRAM, 0);
  address.sin_port = htons(w->port);
  if (bind(w->sock, (struct sockaddr *)&address, sizeof address)) die("bind");
  if (w->open_path && open(w->open_path, O_RDONLY) < 0) die(w->open_path);
}

/* To be called when memory and children are there: from here on the workload may be migrated. */
static inline void workload_ready(struct workload *w) {
  if (!w->daemon) return announce(w, getpid());
  int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++) dup2(null, fd);
  close(null);
  if (write(w->ready, "", 1) != 1) _exit(1);
  close(w->ready);
}

/* One step of the life that must go on without a gap: the host's name is asked for each time. */
static inline void tick(struct workload *w) {
  struct sockaddr_in witness = {.sin_family = AF_INET, .sin_port = htons(9000)};
  struct utsname host;
  char text[256];
  w->sequence++;
  if (!w->witness) return;
  uname(&host);
  witness.sin_addr.s_addr = inet_addr("10.9.0.254");
  int length = snprintf(text, sizeof text, "tick %s %s %llu %d", w->name, host.nodename,
                        (unsigned long long)w->sequence, getpid());
  if (sendto(w->sock, text, length, 0, (struct sockaddr *)&witness, sizeof witness) != length)
    w->send_errors++;
}

/* Fills `extra` (JSON members, each after a comma) and says whether all is well. */
typedef int (*answer_fn)(const char *question, char *extra, size_t size);

static inline void answer_question(struct workload *w, answer_fn answer) {
  struct sockaddr_in from;
  socklen_t from_length = sizeof from;
  char question[128], extra[1024] = "", text[1536];
  struct utsname host;
  ssize_t n = recvfrom(w->sock, question, sizeof question - 1, MSG_DONTWAIT,
                       (struct sockaddr *)&from, &from_length);
  if (n < 0) return;
  question[n] = 0;
  int ok = answer(question, extra, sizeof extra);
  uname(&host);
  int length = snprintf(text, sizeof text,
                        "{\"ok\":%s,\"name\":\"%s\",\"host\":\"%s\",\"pid\":%d,\"sequence\":%llu,"
                        "\"sendErrors\":%llu%s}",
                        ok ? "true" : "false", w->name, host.nodename, getpid(),
                        (unsigned long long)w->sequence, (unsigned long long)w->send_errors, extra);
  sendto(w->sock, text, length, 0, (struct sockaddr *)&from, from_length);
}

/*
 * Waits for the time of the next tick, answering meanwhile; true when it is time. Relative times
 * only: the monotonic clock of another host says something else.
 */
static inline int tick_due(struct workload *w, answer_fn answer) {
  struct pollfd question = {.fd = w->sock, .events = POLLIN};
  int n = poll(&question, 1, w->tick_ms);
  if (n > 0) answer_question(w, answer);
  return n == 0;
}

/* One word of a page's contents: depends on page, version and place, so nothing stale passes. */
static inline uint64_t page_word(uint64_t page, uint64_t version, uint64_t word) {
  uint64_t x = (page + 1) * 0x9e3779b97f4a7c15ULL ^ (version + 1) * 0xbf58476d1ce4e5b9ULL;
  return (x ^ (x >> 29)) + word * 0x94d049bb133111ebULL;
}

static inline void fill_page(uint8_t *memory, uint64_t page, uint64_t version) {
  uint64_t *words = (uint64_t *)(memory + page * PAGE);
  for (uint64_t i = 0; i < PAGE / 8; i++) words[i] = page_word(page, version, i);
}

static inline int page_is(const uint8_t *memory, uint64_t page, uint64_t version) {
  const uint64_t *words = (const uint64_t *)(memory + page * PAGE);
  for (uint64_t i = 0; i < PAGE / 8; i++)
    if (words[i] != page_word(page, version, i)) return 0;
  return 1;
}

static inline uint8_t *map_pages(uint64_t pages, int shared) {
  int kind = shared ? MAP_SHARED : MAP_PRIVATE;
  void *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) die("mmap");
  return memory;
}
#endif
