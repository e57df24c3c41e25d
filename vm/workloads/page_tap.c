/*
 * page_tap PORT SERVER_PORT FILE
 *
 * Stands between a CRIU that sends pages to 127.0.0.1:PORT and the page server at 127.0.0.1:SERVER_PORT,
 * and writes all that the first sends into FILE. Prints a line when it listens; ends when either does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static char chunk[1 << 16];

static void die(const char *what) {
  perror(what);
  exit(1);
}

static struct sockaddr_in local(const char *port) {
  return (struct sockaddr_in){.sin_family = AF_INET,
                              .sin_port = htons(atoi(port)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void write_all(int to, long count) {
  for (long done = 0; done < count;) {
    ssize_t n = write(to, chunk + done, count - done);
    if (n <= 0) die("write");
    done += n;
  }
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  struct sockaddr_in here = local(argv[1]), server = local(argv[2]);
  int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&here, sizeof here) || listen(listener, 1)) die("listen");
  int file = open(argv[3], O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (file < 0) die(argv[3]);
  puts("listening");
  fflush(stdout);
  int criu = accept(listener, NULL, NULL), out = socket(AF_INET, SOCK_STREAM, 0);
  if (criu < 0) die("accept");
  /* The page server may still be starting. */
  for (int tries = 0; connect(out, (struct sockaddr *)&server, sizeof server); tries++) {
    if (tries == 3000) die("connect");
    usleep(10000);
  }
  setsockopt(criu, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(out, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  for (;;) {
    struct pollfd ends[] = {{.fd = criu, .events = POLLIN}, {.fd = out, .events = POLLIN}};
    if (poll(ends, 2, -1) < 0) die("poll");
    for (int i = 0; i < 2; i++) {
      if (!ends[i].revents) continue;
      ssize_t n = read(ends[i].fd, chunk, sizeof chunk);
      if (n <= 0) return 0;
      if (i == 0) write_all(file, n);
      write_all(i == 0 ? out : criu, n);
    }
  }
}
