/*
 * tcpclient --to ADDRESS [--listen PORT]: sends numbers over one connection that must never break,
 * and counts those that come back in order.
 */
#include "workload.h"

static struct workload self;
static int sock, broken;
static uint64_t sent, received, errors;

static int answer(const char *question, char *extra, size_t size) {
  (void)question;
  snprintf(extra, size, ",\"connected\":%s,\"sent\":%llu,\"received\":%llu,\"errors\":%llu",
           broken ? "false" : "true", (unsigned long long)sent, (unsigned long long)received,
           (unsigned long long)errors);
  return !broken && errors == 0;
}

static void exchange(void) {
  uint64_t value;
  if (broken) return;
  if (sent - received < 64) {
    value = sent + 1;
    ssize_t n = send(sock, &value, sizeof value, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n == sizeof value) sent++;
    else if (errno != EAGAIN) broken = 1;
  }
  for (;;) {
    ssize_t n = recv(sock, &value, sizeof value, MSG_DONTWAIT | MSG_PEEK);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) broken = 1;
    if (n < (ssize_t)sizeof value) return;
    if (recv(sock, &value, sizeof value, 0) != sizeof value || value != ++received) errors++;
  }
}

int main(int argc, char **argv) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  const char *to = option(argc, argv, "--to", NULL);
  if (!to) return fprintf(stderr, "usage: tcpclient --to ADDRESS [--listen PORT]\n"), 2;
  workload_init(&self, argc, argv);
  address.sin_port = htons(number(argc, argv, "--listen", 7100));
  address.sin_addr.s_addr = inet_addr(to);
  sock = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(sock, (struct sockaddr *)&address, sizeof address)) die("connect");
  workload_ready(&self);
  for (;;) {
    if (!tick_due(&self, answer)) continue;
    tick(&self);
    exchange();
  }
}
