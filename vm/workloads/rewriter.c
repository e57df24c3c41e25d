/*
 * rewriter [--size MB] [--hot PERCENT] [--every MS] [--shared]: rewrites the hot share of its pages
 * once in that time, a slice at each tick, after checking what the slice held. What every page must
 * hold follows from the number of ticks alone. "verify" checks them all.
 */
#include "workload.h"

static struct workload self;
static uint8_t *memory;
static uint64_t pages, hot, slices, stale;

static uint64_t slice_start(uint64_t slice) { return hot * slice / slices; }

/* How often the slice has been written after `ticks` ticks. */
static uint64_t version_of_slice(uint64_t slice, uint64_t ticks) {
  return ticks / slices + (slice < ticks % slices);
}

/* How many pages do not hold what they must; at most the slice being written may be in between. */
static uint64_t count_bad(void) {
  uint64_t bad = 0;
  for (uint64_t slice = 0; slice < slices; slice++) {
    uint64_t version = version_of_slice(slice, self.sequence);
    for (uint64_t page = slice_start(slice); page < slice_start(slice + 1); page++)
      bad += !page_is(memory, page, version);
  }
  for (uint64_t page = hot; page < pages; page++) bad += !page_is(memory, page, 0);
  return bad;
}

static int answer(const char *question, char *extra, size_t size) {
  uint64_t bad = strcmp(question, "verify") == 0 ? count_bad() : 0;
  snprintf(extra, size, ",\"pages\":%llu,\"hotPages\":%llu,\"badPages\":%llu,\"stalePages\":%llu",
           (unsigned long long)pages, (unsigned long long)hot, (unsigned long long)bad,
           (unsigned long long)stale);
  return bad == 0 && stale == 0;
}

static void rewrite_slice(void) {
  uint64_t slice = (self.sequence - 1) % slices;
  uint64_t version = version_of_slice(slice, self.sequence);
  for (uint64_t page = slice_start(slice); page < slice_start(slice + 1); page++) {
    stale += !page_is(memory, page, version - 1);
    fill_page(memory, page, version);
  }
}

int main(int argc, char **argv) {
  workload_init(&self, argc, argv);
  pages = number(argc, argv, "--size", 256) * 256;
  hot = pages * number(argc, argv, "--hot", 10) / 100;
  slices = number(argc, argv, "--every", 1000) / self.tick_ms;
  if (slices == 0) slices = 1;
  memory = map_pages(pages, flag(argc, argv, "--shared"));
  for (uint64_t page = 0; page < pages; page++) fill_page(memory, page, 0);
  workload_ready(&self);
  for (;;) {
    if (!tick_due(&self, answer)) continue;
    tick(&self);
    rewrite_slice();
  }
}
