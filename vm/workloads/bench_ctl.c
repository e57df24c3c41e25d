/*
 * bench_ctl gaps FILE FROM_US MIN_US  gaps between stamps since FROM_US, as JSON: [[at, length], ...]
 * bench_ctl verify FILE               has every page verified; JSON
 * bench_ctl moment EVENT ITERATION    a line as bench_client's, with the time
 */
#include "bench.h"

enum { PATIENCE_MS = 120000 };

static void show_gaps(const struct bench_file *file, uint64_t from, uint64_t min_us) {
  uint64_t end = file->stamped, begin = end > STAMPS ? end - STAMPS + 1 : 0;
  const char *comma = "";
  printf("{\"stamps\":%llu,\"gaps\":[", (unsigned long long)end);
  for (uint64_t i = begin + 1; i < end; i++) {
    uint64_t last = file->stamps[(i - 1) % STAMPS], now = file->stamps[i % STAMPS];
    if (last < from || now - last < min_us) continue;
    printf("%s[%llu,%llu]", comma, (unsigned long long)last, (unsigned long long)(now - last));
    comma = ",";
  }
  puts("]}");
}

static int show_verdict(struct bench_file *file) {
  uint64_t question = ++file->question, bad = 0, stale = 0, doubled = 0, pages = 0, answered = 0;
  for (int waited = 0; waited < PATIENCE_MS && answered < file->processes; waited += 10) {
    usleep(10000);
    answered = 0;
    for (uint64_t i = 0; i < file->processes; i++)
      answered += __atomic_load_n(&file->slots[i].verified, __ATOMIC_SEQ_CST) == question;
  }
  for (uint64_t i = 0; i < file->processes; i++) {
    bad += file->slots[i].bad_pages;
    stale += file->slots[i].stale_pages;
    doubled += file->slots[i].doubled;
    pages += file->slots[i].pages;
  }
  printf("{\"processes\":%llu,\"answered\":%llu,\"pages\":%llu,\"badPages\":%llu,"
         "\"stalePages\":%llu,\"doubledSteps\":%llu,\"host\":\"%s\"}\n",
         (unsigned long long)file->processes, (unsigned long long)answered,
         (unsigned long long)pages, (unsigned long long)bad, (unsigned long long)stale,
         (unsigned long long)doubled, file->slots[0].host);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 5 && strcmp(argv[1], "gaps") == 0) {
    show_gaps(open_bench_file(argv[2], 0), strtoull(argv[3], NULL, 10), atol(argv[4]));
    return 0;
  }
  if (argc == 3 && strcmp(argv[1], "verify") == 0) return show_verdict(open_bench_file(argv[2], 0));
  if (argc == 4 && strcmp(argv[1], "moment") == 0)
    return printf("{\"event\":\"%s\",\"iteration\":%s,\"us\":%llu}\n", argv[2], argv[3],
                  (unsigned long long)now_us()) < 0;
  fprintf(stderr, "usage: bench_ctl gaps FILE FROM_US MIN_US | verify FILE | moment E N\n");
  return 2;
}
