/* tcpserver [--listen PORT]: takes one connection at a time and sends back what comes. */
#include "workload.h"

static struct workload self;
static int listener, peer = -1;
static uint64_t echoed;

static int answer(const char *question, char *extra, size_t size) {
  (void)question;
  snprintf(extra, size, ",\"connected\":%s,\"echoedBytes\":%llu", peer >= 0 ? "true" : "false",
           (unsigned long long)echoed);
  return 1;
}

static void serve(void) {
  char bytes[4096];
  if (peer < 0) peer = accept(listener, NULL, NULL);
  if (peer < 0) return;
  ssize_t n = recv(peer, bytes, sizeof bytes, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n > 0 && send(peer, bytes, n, MSG_NOSIGNAL) == n) {
    echoed += n;
    return;
  }
  close(peer);
  peer = -1;
}

int main(int argc, char **argv) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  int on = 1;
  workload_init(&self, argc, argv);
  address.sin_port = htons(number(argc, argv, "--listen", 7100));
  listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4))
    die("listen");
  workload_ready(&self);
  for (;;) {
    if (!tick_due(&self, answer)) continue;
    tick(&self);
    serve();
  }
}
