/*
 * The file in which a benchmark's victim lays itself open: mapped by the victim on either host, and
 * by whoever asks. Not a socket: to answer must cost nothing, and to ask must disturb nothing.
 */
#ifndef BENCH_H
#define BENCH_H
#include "workload.h"

enum { STAMPS = 1 << 20, SLOTS = 64 };

/* One process of the victim. Only it writes here, but for what it is asked. */
struct slot {
  /* Steps of every copy there is; a copy knows how many it made itself. */
  uint64_t ticks;
  /* Steps at which the two differed: two copies ran. */
  uint64_t doubled;
  uint64_t verified; /* the last question that was answered */
  uint64_t bad_pages, stale_pages, pages, rewritten;
  int32_t pid;
  char host[64];
};

struct bench_file {
  uint64_t question; /* raised by who wants all pages verified */
  uint64_t processes, stamped;
  struct slot slots[SLOTS];
  /* now_us(), one a millisecond, round and round. */
  uint64_t stamps[STAMPS];
};

/*
 * The time of day, in us. Not the monotonic clock: CRIU restores into a time namespace in which that one
 * goes on from where it was when it was dumped, so a victim could not see how long it stood still.
 */
static inline uint64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
}

static inline struct bench_file *open_bench_file(const char *path, int create) {
  int fd = open(path, O_RDWR | (create ? O_CREAT | O_TRUNC : 0), 0600);
  if (fd < 0 || (create && ftruncate(fd, sizeof(struct bench_file)) != 0)) die(path);
  void *file = mmap(NULL, sizeof(struct bench_file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (file == MAP_FAILED) die("mmap");
  close(fd);
  return file;
}
#endif
