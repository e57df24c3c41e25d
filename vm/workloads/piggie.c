/*
 * piggie [--size MB]: the smallest thing worth moving. Counts; rewrites one page of its memory at
 * every tick. "verify" checks every page.
 */
#include "workload.h"

static struct workload self;
static uint8_t *memory;
static uint64_t pages;

/* The version of a page is the number of the last tick that wrote it; page n % pages at tick n. */
static uint64_t version_of(uint64_t page) {
  if (self.sequence < page || self.sequence == 0) return 0;
  uint64_t last = self.sequence - (self.sequence - page) % pages;
  return last;
}

static int answer(const char *question, char *extra, size_t size) {
  uint64_t bad = 0;
  if (strcmp(question, "verify") != 0) return 1;
  for (uint64_t page = 0; page < pages; page++) bad += !page_is(memory, page, version_of(page));
  snprintf(extra, size, ",\"pages\":%llu,\"badPages\":%llu", (unsigned long long)pages,
           (unsigned long long)bad);
  return bad == 0;
}

int main(int argc, char **argv) {
  workload_init(&self, argc, argv);
  pages = number(argc, argv, "--size", 16) * 256;
  memory = map_pages(pages, 0);
  for (uint64_t page = 0; page < pages; page++) fill_page(memory, page, 0);
  workload_ready(&self);
  for (;;) {
    if (!tick_due(&self, answer)) continue;
    tick(&self);
    fill_page(memory, self.sequence % pages, self.sequence);
  }
}
