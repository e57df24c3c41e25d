/*
 * A process whose memory is filled in by a fault server, as after a lazy restore, and which does to its
 * memory whatever a process may do while it checks each page.
 *
 * faulter DIR PAGES THREADS SEED STEPS FORKS
 *
 * Prints the number of the first page of its images and of each thread's window; waits for a line; then
 * speaks CRIU's part of the protocol of DIR/lazy-pages.socket (criu/uffd.c), for a task of pid 77.
 * Exits with 0 when all of its memory was right, else says what was wrong.
 *
 * A window is of PAGES pages with contents, and as much empty room. Page N of all contents holds
 * N * MULTIPLIER in each of its words, but each fifth run of 8 pages is of zeros.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096L
#define BLOCK 16L /* pages that are moved, unmapped and forgotten together: never in two mappings */
#define MULTIPLIER 0x9E3779B97F4A7C15UL
#define UNMAPPED (~0UL)
#define RESTORED 0x52535446
#define PID 77

struct window {
  int number;
  char *memory;
  long pages; /* with contents; as many follow */
  uint64_t *expected; /* by page: what each word holds, or UNMAPPED */
  uint64_t random;
  long steps;
  int forks;
  pid_t children[64];
  int child_count;
};

static int restored_at_half;
static int lazy_socket;
static pthread_mutex_t socket_lock = PTHREAD_MUTEX_INITIALIZER;

static void die(const char *what) {
  fprintf(stderr, "faulter: %s: %s\n", what, strerror(errno));
  _exit(2);
}

static uint64_t next(struct window *w) {
  w->random ^= w->random << 13;
  w->random ^= w->random >> 7;
  w->random ^= w->random << 17;
  return w->random;
}

static uint64_t contents(uint64_t page) { return page / 8 % 5 == 4 ? 0 : page * MULTIPLIER; }

static void check(struct window *w, long page, const char *when) {
  if (w->expected[page] == UNMAPPED) return;
  volatile uint64_t *words = (uint64_t *)(w->memory + page * PAGE);
  for (long i = 0; i < PAGE / 8; i += 37) {
    if (words[i] == w->expected[page]) continue;
    fprintf(stderr, "faulter: %s: window %d, page %ld, word %ld: %lx instead of %lx\n", when, w->number,
            page, i, (unsigned long)words[i], (unsigned long)w->expected[page]);
    _exit(1);
  }
}

static void check_all(struct window *w, const char *when) {
  for (long page = 0; page < 2 * w->pages; page++) check(w, page, when);
}

static void write_page(struct window *w, long page) {
  if (w->expected[page] == UNMAPPED) return;
  uint64_t value = next(w) & ~1UL;
  uint64_t *words = (uint64_t *)(w->memory + page * PAGE);
  for (long i = 0; i < PAGE / 8; i++) words[i] = value;
  w->expected[page] = value;
}

static void step(struct window *w);

/* The child checks all it got, and goes on a little by itself. */
static void fork_child(struct window *w) {
  if (w->child_count == 64) return;
  pid_t pid = fork();
  if (pid < 0) die("fork");
  if (pid > 0) {
    w->children[w->child_count++] = pid;
    return;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  w->child_count = 0;
  w->random ^= (uint64_t)getpid() << 20;
  if (w->forks > 0) w->forks--;
  for (int i = 0; i < 60; i++) step(w);
  check_all(w, "child");
  for (int i = 0; i < w->child_count; i++) {
    int status;
    if (waitpid(w->children[i], &status, 0) < 0) die("waitpid");
    if (status != 0) _exit(1);
  }
  _exit(0);
}

static void step(struct window *w) {
  long total = 2 * w->pages;
  long page = next(w) % total;
  long block = page / BLOCK * BLOCK;
  char *start = w->memory + block * PAGE;
  switch (next(w) % 16) {
  case 0:
    if (w->expected[block] == UNMAPPED) return;
    if (madvise(start, BLOCK * PAGE, MADV_DONTNEED)) die("madvise");
    for (long i = 0; i < BLOCK; i++) w->expected[block + i] = 0;
    return;
  case 1:
    if (next(w) % 4 || w->expected[block] == UNMAPPED) return;
    if (munmap(start, BLOCK * PAGE)) die("munmap");
    /* Nobody else may come to lie there. */
    if (mmap(start, BLOCK * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
      die("mmap");
    for (long i = 0; i < BLOCK; i++) w->expected[block + i] = UNMAPPED;
    return;
  case 2:
  case 3: {
    long to = next(w) % total / BLOCK * BLOCK;
    if (w->expected[block] == UNMAPPED || to == block) return;
    void *moved = mremap(start, BLOCK * PAGE, BLOCK * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
                         w->memory + to * PAGE);
    if (moved == MAP_FAILED) die("mremap");
    if (mmap(start, BLOCK * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
      die("mmap");
    for (long i = 0; i < BLOCK; i++) {
      w->expected[to + i] = w->expected[block + i];
      w->expected[block + i] = UNMAPPED;
    }
    return;
  }
  case 4:
    if (w->forks > 0 && next(w) % 40 == 0) fork_child(w);
    return;
  case 5:
  case 6:
  case 7:
    write_page(w, page);
    return;
  default:
    check(w, page, "step");
  }
}

static void send_word(int32_t word) {
  if (send(lazy_socket, &word, 4, MSG_NOSIGNAL) != 4) die("send");
}

static void send_descriptor(int fd) {
  char byte = 0;
  struct iovec part = {&byte, 1};
  char control[CMSG_SPACE(sizeof(int))] = {0};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                           .msg_controllen = sizeof(control)};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &fd, sizeof(int));
  if (sendmsg(lazy_socket, &message, MSG_NOSIGNAL) != 1) die("sendmsg");
}

/* CRIU says that the tree is restored; half of what is done here comes before it. */
static void tell_restored(void) {
  pthread_mutex_lock(&socket_lock);
  if (lazy_socket >= 0) {
    send_word(RESTORED);
    close(lazy_socket);
    lazy_socket = -1;
  }
  pthread_mutex_unlock(&socket_lock);
}

static void *work(void *argument) {
  struct window *w = argument;
  for (long i = 0; i < w->steps; i++) {
    step(w);
    if (i == w->steps / 2 && restored_at_half) tell_restored();
  }
  check_all(w, "end");
  for (int i = 0; i < w->child_count; i++) {
    int status;
    if (waitpid(w->children[i], &status, 0) < 0) die("waitpid");
    if (status != 0) {
      fprintf(stderr, "faulter: a child ended with %x\n", status);
      _exit(1);
    }
  }
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 7) return 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const char *dir = argv[1];
  long pages = atol(argv[2]);
  int threads = atoi(argv[3]);
  uint64_t seed = strtoul(argv[4], NULL, 10);
  struct window windows[8] = {0};

  int uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
  if (uffd < 0) die("userfaultfd");
  struct uffdio_api api = {UFFD_API,
                           UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP |
                               UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_UNMAP,
                           0};
  if (ioctl(uffd, UFFDIO_API, &api)) die("UFFDIO_API");

  for (int t = 0; t < threads; t++) {
    struct window *w = &windows[t];
    w->number = t;
    w->pages = pages;
    w->random = (seed * 8 + t + 1) * MULTIPLIER | 1;
    w->steps = atol(argv[5]);
    w->forks = atoi(argv[6]);
    w->memory = mmap(NULL, 2 * pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    w->expected = malloc(2 * pages * sizeof(uint64_t));
    if (w->memory == MAP_FAILED || !w->expected) die("memory");
    if (mprotect(w->memory, pages * PAGE, PROT_READ | PROT_WRITE)) die("mprotect");
    if (madvise(w->memory, 2 * pages * PAGE, MADV_NOHUGEPAGE) && errno != EINVAL) die("nohugepage");
    struct uffdio_register range = {{(uintptr_t)w->memory, pages * PAGE}, UFFDIO_REGISTER_MODE_MISSING, 0};
    if (ioctl(uffd, UFFDIO_REGISTER, &range)) die("UFFDIO_REGISTER");
    for (long page = 0; page < 2 * pages; page++)
      w->expected[page] = page < pages ? contents(t * pages + page) : UNMAPPED;
    printf("%lu\n", (unsigned long)w->memory / PAGE);
  }
  fflush(stdout);
  if (getchar() == EOF) return 2;

  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof(address.sun_path), "%s/lazy-pages.socket", dir);
  lazy_socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(lazy_socket, (struct sockaddr *)&address, sizeof(address))) die("connect");
  send_word(-5);
  send_word(PID);
  send_descriptor(uffd);
  close(uffd);
  restored_at_half = seed % 2 == 0;
  if (!restored_at_half) tell_restored();

  pthread_t ids[8];
  for (int t = 0; t < threads; t++)
    if (pthread_create(&ids[t], NULL, work, &windows[t])) die("pthread_create");
  for (int t = 0; t < threads; t++) pthread_join(ids[t], NULL);
  tell_restored();
  return 0;
}
