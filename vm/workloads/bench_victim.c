/*
 * bench_victim --file FILE [--size MB] [--hot PERCENT] [--every MS] [--shared] [--scatter]
 *   [--processes N]
 *
 * What is migrated to be measured: stamps the time into FILE once a millisecond, and rewrites the hot
 * share of its pages once in that time, checking each before. Of several processes the first one
 * stamps, and each has its part of the memory. What every page must hold follows from the number of
 * pages rewritten so far. Prints its pid when all of it is there.
 */
#include "bench.h"
#include <sys/prctl.h>

enum { STEP_US = 1000, HEADER_WORDS = 8 };

static struct bench_file *file;
static struct slot *self;
static uint8_t *memory;
static uint64_t pages, hot, stride, every_us;
/* Tells this process's pages from those of the others. */
static uint64_t base;
/* Of this copy alone: they travel with its memory. */
static uint64_t ticks, rewritten, stale, owed;

/* Only the head of a page is rewritten: it dirties the page, and the rest shows what got lost. */
static uint64_t word_of(uint64_t page, uint64_t version, uint64_t word) {
  return page_word(base + page, word < HEADER_WORDS ? version : 0, word);
}

static uint64_t page_of_turn(uint64_t turn) { return turn % hot * stride; }

static uint64_t version_of(uint64_t page) {
  if (hot == 0 || page % stride != 0 || page / stride >= hot) return 0;
  return rewritten / hot + (page / stride < rewritten % hot);
}

static void rewrite_page(void) {
  uint64_t page = page_of_turn(rewritten), version = rewritten / hot;
  uint64_t *words = (uint64_t *)(memory + page * PAGE);
  stale += words[0] != word_of(page, version, 0);
  for (uint64_t i = 0; i < HEADER_WORDS; i++) words[i] = word_of(page, version + 1, i);
  rewritten++;
}

/* What was missed while it stood still is not made up for: at most four steps' worth. */
static void rewrite_due(uint64_t passed_us) {
  if (hot == 0) return;
  if (passed_us > 4 * STEP_US) passed_us = 4 * STEP_US;
  owed += passed_us * hot;
  for (; owed >= every_us; owed -= every_us) rewrite_page();
}

static void verify(void) {
  struct utsname host;
  uint64_t bad = 0;
  for (uint64_t page = 0; page < pages; page++) {
    const uint64_t *words = (const uint64_t *)(memory + page * PAGE);
    uint64_t version = version_of(page), i = 0;
    while (i < PAGE / 8 && words[i] == word_of(page, version, i)) i++;
    bad += i < PAGE / 8;
  }
  uname(&host);
  strcpy(self->host, host.nodename);
  self->bad_pages = bad;
  self->stale_pages = stale;
  self->pages = pages;
  self->rewritten = rewritten;
  __atomic_store_n(&self->verified, file->question, __ATOMIC_SEQ_CST);
}

static void live(int stamps) {
  struct timespec step = {.tv_nsec = (stamps ? STEP_US : 10 * STEP_US) * 1000};
  uint64_t last = now_us(), now;
  for (;; last = now) {
    nanosleep(&step, NULL);
    now = now_us();
    if (stamps) file->stamps[file->stamped++ % STAMPS] = now;
    ticks++;
    self->doubled += __atomic_add_fetch(&self->ticks, 1, __ATOMIC_SEQ_CST) != ticks;
    rewrite_due(now - last);
    if (self->verified != file->question) verify();
  }
}

static void make_memory(int argc, char **argv, uint64_t processes) {
  pages = number(argc, argv, "--size", 16) * 256 / processes;
  hot = pages * number(argc, argv, "--hot", 0) / 100;
  every_us = number(argc, argv, "--every", 500) * 1000ULL;
  stride = hot > 0 && flag(argc, argv, "--scatter") ? pages / hot : 1;
  memory = map_pages(pages, flag(argc, argv, "--shared"));
  /* The kernel tracks huge pages whole: nothing would be scattered. */
  if (stride > 1) madvise(memory, pages * PAGE, MADV_NOHUGEPAGE);
  for (uint64_t page = 0; page < pages; page++) {
    uint64_t *words = (uint64_t *)(memory + page * PAGE);
    for (uint64_t i = 0; i < PAGE / 8; i++) words[i] = word_of(page, 0, i);
  }
}

static void start(int argc, char **argv, uint64_t index, uint64_t processes) {
  self = &file->slots[index];
  base = index << 32;
  make_memory(argc, argv, processes);
  self->pid = getpid();
  __atomic_add_fetch(&file->processes, 1, __ATOMIC_SEQ_CST);
  /* Fine sleeps: the kernel's usual slack is a twentieth of a step. */
  prctl(PR_SET_TIMERSLACK, 1000);
  if (index == 0)
    while (__atomic_load_n(&file->processes, __ATOMIC_SEQ_CST) < processes) usleep(1000);
}

/* The first one says its pid; no pipe and no terminal goes along. */
static void let_go(int ready, int first) {
  int null = open("/dev/null", O_RDWR);
  if (first && dprintf(ready, "%d\n", getpid()) < 0) _exit(1);
  for (int fd = 0; fd < 3; fd++) dup2(null, fd);
  close_range(3, ~0U, 0);
}

int main(int argc, char **argv) {
  uint64_t processes = number(argc, argv, "--processes", 1), index = 0;
  char line[32];
  int ready[2];
  close_range(3, ~0U, 0);
  file = open_bench_file(option(argc, argv, "--file", "bench-victim"), 1);
  if (processes < 1 || processes > SLOTS || pipe(ready)) die("--processes");
  if (fork() > 0) {
    close(ready[1]);
    ssize_t n = read(ready[0], line, sizeof line);
    return n > 0 && write(1, line, n) == n ? 0 : 1;
  }
  if (setsid() < 0 || chdir("/") != 0) die("setsid");
  for (uint64_t child = 1; child < processes && index == 0; child++)
    if (fork() == 0) index = child;
  start(argc, argv, index, processes);
  let_go(ready[1], index == 0);
  live(index == 0);
}
