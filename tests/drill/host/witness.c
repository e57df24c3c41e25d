/*
 * The witness on this machine: it sits in a network of its own, outside of both hosts, and writes down
 * every datagram that comes, with the kernel's time of its arrival and the address it came from.
 *
 *   witness ADDRESS    prints "NANOSECONDS SOURCE TEXT" a line; ends when it is killed
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { PORT = 9000, MAX_TEXT = 400, BUFFER_BYTES = 4 << 20 };

static void die(const char *what) {
  perror(what);
  exit(1);
}

static long long stamp_of(struct msghdr *message) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
    struct timespec time;
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
    memcpy(&time, CMSG_DATA(c), sizeof time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
  }
  return 0;
}

int main(int count, char **arguments) {
  int on = 1, bytes = BUFFER_BYTES;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
  if (count != 2 || !inet_aton(arguments[1], &address.sin_addr)) return 2;
  int sock = socket(AF_INET, SOCK_DGRAM, 0);
  setsockopt(sock, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  /* Forced where that is allowed: no number may be lost because nobody read for a while. */
  if (setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes))
    setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  if (bind(sock, (struct sockaddr *)&address, sizeof address)) die("bind");
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (;;) {
    char text[MAX_TEXT], control[200];
    struct sockaddr_in from;
    struct iovec part = {.iov_base = text, .iov_len = sizeof text - 1};
    struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1,
                             .msg_control = control, .msg_controllen = sizeof control};
    ssize_t length = recvmsg(sock, &message, 0);
    if (length < 0) die("recvmsg");
    text[length] = 0;
    printf("%lld %s %s\n", stamp_of(&message), inet_ntoa(from.sin_addr), text);
  }
}
