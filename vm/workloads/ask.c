/* ask PORT QUESTION: puts a question to a workload on this host and prints its answer. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: ask PORT QUESTION\n"), 2;
  int sock = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
  struct timeval limit = {.tv_sec = 15};
  char answer[4096];
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (connect(sock, (struct sockaddr *)&address, sizeof address))
    return perror("ask: cannot connect"), 1;
  ssize_t n = -1;
  /* A question on its way while the workload moves is lost: it is asked again. */
  for (int round = 0; round < 5 && n < 0; round++) {
    if (send(sock, argv[2], strlen(argv[2]), 0) < 0) return perror("ask: cannot send"), 1;
    n = recv(sock, answer, sizeof answer - 1, 0);
    if (n < 0 && errno != EAGAIN) break;
  }
  if (n < 0) return perror("ask: no answer"), 1;
  answer[n] = 0;
  puts(answer);
  return 0;
}
