/*
 * tree: a process tree whose every relation is checked by its root. "verify" asks
 *   echo     a child that answers through a pair of pipes, asked at every tick
 *   buffer   bytes that were written into a pipe and never read
 *   threads  three threads of a child, each counting in shared memory
 *   group    a grandchild in a process group of its own, counting too
 *   stopped  a child in state T that, continued, counts once and stops itself again
 *   zombie   a child that ended with code 7 and was not waited for
 */
#include "workload.h"
#include <pthread.h>
#include <sys/wait.h>

enum { THREADS = 3, BUFFERED = 1000, ZOMBIE_CODE = 7 };

struct shared { volatile uint64_t threads[THREADS], group, wakes; };

static struct workload self;
static struct shared *shared;
static int down[2], up[2], buffer[2];
static pid_t echo, threaded, stopped, zombie;
static uint64_t echo_errors;

static void *count(void *counter) {
  for (;; usleep(10000)) ++*(volatile uint64_t *)counter;
  return NULL;
}

static void run_echo(void) {
  uint64_t value;
  close(down[1]);
  close(up[0]);
  while (read(down[0], &value, sizeof value) == sizeof value) {
    value = ~value;
    if (write(up[1], &value, sizeof value) != sizeof value) break;
  }
  _exit(0);
}

static void run_threads(void) {
  pthread_t thread;
  pid_t child = fork();
  if (child == 0) {
    setpgid(0, 0);
    count((void *)&shared->group);
  }
  for (int i = 0; i < THREADS; i++) pthread_create(&thread, NULL, count, (void *)&shared->threads[i]);
  for (;;) pause();
}

static void run_stopped(void) {
  for (;;) {
    raise(SIGSTOP);
    shared->wakes++;
  }
}

/* The workload's own end of the daemon's pipe and the socket are no business of the children. */
static pid_t child(void (*run)(void)) {
  pid_t pid = fork();
  if (pid < 0) die("fork");
  if (pid > 0) return pid;
  close(self.sock);
  if (self.ready >= 0) close(self.ready);
  if (self.daemon) {
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++) dup2(null, fd);
    close(null);
  }
  run();
  _exit(1);
}

static void run_zombie(void) { _exit(ZOMBIE_CODE); }

static char state_of(pid_t pid) {
  char path[64], text[512], state = '?';
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  int fd = open(path, O_RDONLY);
  if (fd < 0) return '-';
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  if (n <= 0) return '-';
  text[n] = 0;
  const char *end = strrchr(text, ')');
  if (end) sscanf(end, ") %c", &state);
  return state;
}

static int reaches(pid_t pid, char state) {
  for (int round = 0; round < 500; round++, usleep(10000))
    if (state_of(pid) == state) return 1;
  return 0;
}

/* Volatile counters are read twice, with time between for every thread to run. */
static int threads_count(int *group) {
  struct shared before;
  memcpy(&before, shared, sizeof before);
  int moved = 0;
  for (int round = 0; round < 500 && (moved < THREADS || !*group); round++) {
    usleep(10000);
    moved = 0;
    for (int i = 0; i < THREADS; i++) moved += shared->threads[i] != before.threads[i];
    *group = shared->group != before.group;
  }
  return moved == THREADS;
}

static int stopped_works(void) {
  uint64_t before = shared->wakes;
  if (state_of(stopped) != 'T') return 0;
  kill(stopped, SIGCONT);
  for (int round = 0; round < 500 && shared->wakes == before; round++) usleep(10000);
  return shared->wakes == before + 1 && reaches(stopped, 'T');
}

static int zombie_is_there(void) {
  siginfo_t info = {0};
  if (state_of(zombie) != 'Z') return 0;
  if (waitid(P_PID, zombie, &info, WEXITED | WNOHANG | WNOWAIT)) return 0;
  return info.si_pid == zombie && info.si_code == CLD_EXITED && info.si_status == ZOMBIE_CODE;
}

static int buffer_is_full(void) {
  char text[BUFFERED], next[BUFFERED];
  memset(text, 'b', sizeof text);
  int right = read(buffer[0], next, sizeof next) == BUFFERED && memcmp(text, next, BUFFERED) == 0;
  return write(buffer[1], text, sizeof text) == BUFFERED && right;
}

static int answer(const char *question, char *extra, size_t size) {
  if (strcmp(question, "verify") != 0) return echo_errors == 0;
  int group = 0, threads = threads_count(&group), stop = stopped_works();
  int dead = zombie_is_there(), full = buffer_is_full();
  snprintf(extra, size,
           ",\"echo\":%d,\"buffer\":%d,\"threads\":%d,\"group\":%d,\"stopped\":%d,\"zombie\":%d",
           echo_errors == 0, full, threads, group, stop, dead);
  return echo_errors == 0 && full && threads && group && stop && dead;
}

static void ask_echo(void) {
  uint64_t value = self.sequence;
  if (write(down[1], &value, sizeof value) != sizeof value ||
      read(up[0], &value, sizeof value) != sizeof value || value != ~self.sequence)
    echo_errors++;
}

int main(int argc, char **argv) {
  char text[BUFFERED];
  workload_init(&self, argc, argv);
  shared = (struct shared *)map_pages(1, 1);
  if (pipe(down) || pipe(up)) die("pipe");
  echo = child(run_echo);
  close(down[0]);
  close(up[1]);
  threaded = child(run_threads);
  stopped = child(run_stopped);
  zombie = child(run_zombie);
  if (pipe(buffer)) die("pipe");
  memset(text, 'b', sizeof text);
  if (write(buffer[1], text, sizeof text) != BUFFERED) die("write");
  if (!reaches(stopped, 'T') || !reaches(zombie, 'Z')) die("children");
  workload_ready(&self);
  for (;;) {
    if (!tick_due(&self, answer)) continue;
    tick(&self);
    ask_echo();
  }
}
