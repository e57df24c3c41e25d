/*
 * Starts CRIU in the namespaces of a host, and talks to it over RPC.
 */
#ifndef CRIU_DRIVE_H
#define CRIU_DRIVE_H
#include "criu_rpc.h"
#include <sched.h>
#include <sys/wait.h>

static const char *criu;

static inline void say(const char *event, int iteration) {
  printf("{\"event\":\"%s\",\"iteration\":%d,\"us\":%llu}\n", event, iteration,
         (unsigned long long)now_us());
}

static inline void give_up(const char *what) {
  fprintf(stderr, "bench_client: %s\n", what);
  exit(1);
}

/* Children, files and sockets made from here on are those of that host. */
static inline void enter(int host) {
  int all = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
  if (setns(host, all) != 0) die("setns");
}

/* Runs criu on that host, with those descriptors; -1 is none. */
static inline pid_t start(int host, const char *const *arguments, int kept, int other) {
  enter(host);
  pid_t pid = fork();
  if (pid != 0) return pid;
  int null = open("/dev/null", O_RDWR);
  dup2(null, 0);
  dup2(null, 1);
  fcntl(kept, F_SETFD, 0);
  if (other >= 0) fcntl(other, F_SETFD, 0);
  execv(criu, (char *const *)arguments);
  _exit(127);
}

/* A `criu swrk` on that host, with the end of a page socket; returns the socket to it. */
static inline int start_swrk(int host, int pages) {
  char number[16];
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets)) die("socketpair");
  snprintf(number, sizeof number, "%d", sockets[1]);
  start(host, (const char *const[]){"criu", "swrk", number, NULL}, sockets[1], pages);
  close(sockets[1]);
  return sockets[0];
}

static inline void send_message(int swrk, const struct message *m) {
  if (send(swrk, m->bytes, m->length, MSG_NOSIGNAL) != (ssize_t)m->length) die("criu");
}

/* Receives an answer; returns its type. */
static inline int receive(int swrk, struct message *answer) {
  ssize_t n = recv(swrk, answer->bytes, sizeof answer->bytes, 0);
  if (n <= 0) give_up("criu hung up");
  answer->length = n;
  return field_of(answer->bytes, n, RESP_TYPE).number;
}

static inline void expect_success(const struct message *answer, const char *what) {
  struct field error = field_of(answer->bytes, answer->length, RESP_ERROR);
  if (field_of(answer->bytes, answer->length, RESP_SUCCESS).number == 1) return;
  fprintf(stderr, "bench_client: %s failed: %.*s\n", what, (int)error.number,
          error.found ? (const char *)error.bytes : "");
  exit(1);
}

/* Has it probe the kernel now, and not when something is frozen. */
static inline int warmed(int swrk) {
  struct message request = {0}, features = {0}, answer;
  put_number(&features, 1, 1);
  put_number(&request, RESP_TYPE, FEATURE_CHECK);
  put_number(&request, REQ_KEEP_OPEN, 1);
  put_message(&request, REQ_FEATURES, &features);
  send_message(swrk, &request);
  receive(swrk, &answer);
  return swrk;
}
#endif
