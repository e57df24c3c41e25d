/*
 * bench_tcp take PORT             takes in what comes over one connection
 * bench_tcp give ADDRESS PORT MB  sends so much and prints {"mbPerS":...} when all was taken
 *
 * What a plain connection carries here: the measure for the way of the pages.
 */
#include "bench.h"

enum { CHUNK = 1 << 17 };

static char chunk[CHUNK];

static struct sockaddr_in address_of(const char *host, const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  inet_aton(host, &address.sin_addr);
  return address;
}

static int take(const char *port) {
  struct sockaddr_in address = address_of("0.0.0.0", port);
  int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1))
    die("listen");
  int sock = accept(listener, NULL, NULL);
  while (read(sock, chunk, CHUNK) > 0);
  return write(sock, "", 1) != 1;
}

static int give(const char *host, const char *port, uint64_t mb) {
  struct sockaddr_in address = address_of(host, port);
  int sock = socket(AF_INET, SOCK_STREAM, 0);
  for (int tries = 0; connect(sock, (struct sockaddr *)&address, sizeof address) != 0; tries++) {
    if (tries == 100) die("connect");
    usleep(20000);
  }
  uint64_t began = now_us();
  for (uint64_t left = mb << 20; left > 0;) {
    ssize_t n = write(sock, chunk, left < CHUNK ? left : CHUNK);
    if (n <= 0) die("write");
    left -= n;
  }
  shutdown(sock, SHUT_WR);
  if (read(sock, chunk, 1) != 1) die("read");
  return printf("{\"mbPerS\":%.1f}\n", mb * 1e6 / (now_us() - began)) < 0;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "take") == 0) return take(argv[2]);
  if (argc == 5 && strcmp(argv[1], "give") == 0) return give(argv[2], argv[3], atol(argv[4]));
  fprintf(stderr, "usage: bench_tcp take PORT | give ADDRESS PORT MB\n");
  return 2;
}
