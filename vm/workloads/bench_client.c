/*
 * bench_client --pid PID --from INIT --to INIT --dir DIR --criu PATH [--pre-dumps N]
 *   [--pace MS] [--tcp ADDRESS] [--prestart] [--copy]
 *
 * Moves a process between two hosts that are namespaces of one kernel and see one file system: INIT is
 * the first process of a host, PID the victim as the first host numbers it. Both CRIUs are driven over
 * RPC without a word in between, pages go over a unix socket, and RESTORE is sent in post-dump: no tool
 * can be faster without another way to restore. Dumps begin MS after one another or later: what a victim
 * rewrote meanwhile is to be as much as with the one that it is compared with. The flags make it slower, as others are: pages
 * over TCP, images copied, the restoring CRIU started when it is needed. Prints what happened when,
 * the time of day in us, as a line of JSON each. The victim's images and CRIU's figures stay in DIR/N.
 */
#include "criu_drive.h"
#include <dirent.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static const char *dir, *tcp;
static int from, to, victim, copying;
static uint64_t pace_us, began_us;

/*
 * The folder by a file of settings, and in it by a link's name: older CRIUs take no path here, newer
 * ones only a link, and they see no descriptor of ours, which is of another pid namespace.
 */
static void put_common(struct message *opts, int iteration, const char *side) {
  char path[300];
  snprintf(path, sizeof path, "%s%s/at-%d.conf", dir, side, iteration);
  put_number(opts, OPT_DIR_FD, -1ULL);
  put_text(opts, OPT_CONFIG, path);
  put_number(opts, OPT_LOG_LEVEL, 0);
  put_number(opts, OPT_CGROUPS, 0);
}

static void restore(int swrk, int iteration) {
  struct message request = {0}, opts = {0}, answer;
  put_common(&opts, iteration, copying ? "/to" : "");
  put_number(&request, RESP_TYPE, RESTORE);
  put_message(&request, REQ_OPTS, &opts);
  send_message(swrk, &request);
  receive(swrk, &answer);
  expect_success(&answer, "restore");
}

static void make_dir(const char *side, int iteration) {
  char path[300], link[300];
  snprintf(path, sizeof path, "%s%s", dir, side);
  mkdir(path, 0700);
  snprintf(path, sizeof path, "%s%s/%d", dir, side, iteration);
  snprintf(link, sizeof link, "%s%s/at-%d", dir, side, iteration);
  if (mkdir(path, 0700) || symlink(path, link)) die(path);
  snprintf(path, sizeof path, "%s%s/at-%d.conf", dir, side, iteration);
  FILE *settings = fopen(path, "w");
  if (!settings || fprintf(settings, "images-dir %s\n", link) < 0 || fclose(settings)) die(path);
}

static void copy_file(const char *source, const char *target) {
  static char chunk[1 << 16];
  int in = open(source, O_RDONLY), out = open(target, O_WRONLY | O_CREAT | O_EXCL, 0600);
  ssize_t n;
  if (in < 0 || out < 0) die(target);
  while ((n = read(in, chunk, sizeof chunk)) > 0)
    if (write(out, chunk, n) != n) die(target);
  close(in);
  close(out);
}

static void copy_images(int iteration) {
  char source[300], target[300], one[600], other[600];
  struct dirent *entry;
  snprintf(source, sizeof source, "%s/%d", dir, iteration);
  snprintf(target, sizeof target, "%s/to/%d", dir, iteration);
  DIR *images = opendir(source);
  if (!images) die(source);
  while ((entry = readdir(images))) {
    if (entry->d_type != DT_REG || !strstr(entry->d_name, ".img")) continue;
    snprintf(one, sizeof one, "%s/%s", source, entry->d_name);
    snprintf(other, sizeof other, "%s/%s", target, entry->d_name);
    copy_file(one, other);
  }
  closedir(images);
}

/* Both ends of a connection for pages: the first for the source, the second for the destination. */
static void page_sockets(int ends[2]) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t length = sizeof address;
  if (!tcp) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) die("socketpair");
    return;
  }
  inet_aton(tcp, &address.sin_addr);
  enter(to);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 1)) die("listen");
  getsockname(listener, (struct sockaddr *)&address, &length);
  enter(from);
  ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(ends[0], (struct sockaddr *)&address, length)) die("connect");
  ends[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  close(listener);
}

static pid_t start_page_server(int sock, int iteration) {
  char number[16], images[300], parent[32];
  snprintf(number, sizeof number, "%d", sock);
  snprintf(images, sizeof images, "%s%s/%d", dir, copying ? "/to" : "", iteration);
  snprintf(parent, sizeof parent, "../%d", iteration - 1);
  const char *const arguments[] = {
      "criu", "page-server", "--ps-socket", number, "--images-dir", images, "-v0",
      iteration > 1 ? "--prev-images-dir" : NULL, parent, NULL};
  return start(to, arguments, sock, -1);
}

/* The switchover: what happens between post-dump and its answer is what the victim waits for. */
static void restore_dumped(int iteration, int restorer, pid_t page_server) {
  say("post-dump", iteration);
  waitpid(page_server, NULL, 0);
  if (copying) copy_images(iteration);
  restore(restorer >= 0 ? restorer : start_swrk(to, -1), iteration);
  say("restored", iteration);
}

static int is_post_dump(const struct message *told) {
  struct field notify = field_of(told->bytes, told->length, RESP_NOTIFY);
  struct field script = field_of(notify.bytes, notify.number, 1);
  return script.number == 9 && memcmp(script.bytes, "post-dump", 9) == 0;
}

/* Answers what CRIU tells until it has ended. */
static void follow(int swrk, int type, int iteration, int restorer, pid_t page_server) {
  struct message told;
  while (receive(swrk, &told) == NOTIFY) {
    struct message reply = {0};
    if (type == DUMP && is_post_dump(&told)) restore_dumped(iteration, restorer, page_server);
    put_number(&reply, RESP_TYPE, NOTIFY);
    put_number(&reply, REQ_NOTIFY_SUCCESS, 1);
    send_message(swrk, &reply);
  }
  expect_success(&told, type == DUMP ? "dump" : "pre-dump");
  if (type == PRE_DUMP) waitpid(page_server, NULL, 0);
}

/* A pre-dump or the final dump. Everything that can be there before it begins is. */
static void dump(int type, int iteration, int restorer) {
  struct message request = {0}, opts = {0}, ps = {0};
  char parent[32];
  int ends[2];
  make_dir("", iteration);
  if (copying) make_dir("/to", iteration);
  page_sockets(ends);
  pid_t page_server = start_page_server(ends[1], iteration);
  close(ends[1]);
  int swrk = warmed(start_swrk(from, ends[0]));
  /* For the page server to be there: nothing is frozen yet. */
  usleep(20000);
  put_number(&ps, PS_FD, ends[0]);
  put_common(&opts, iteration, "");
  put_number(&opts, OPT_PID, victim);
  put_message(&opts, OPT_PS, &ps);
  put_number(&opts, OPT_NOTIFY, 1);
  if (type == PRE_DUMP || iteration > 1) put_number(&opts, OPT_TRACK, 1);
  snprintf(parent, sizeof parent, "../%d", iteration - 1);
  if (iteration > 1) put_text(&opts, OPT_PARENT, parent);
  put_number(&request, RESP_TYPE, type);
  put_message(&request, REQ_OPTS, &opts);
  while (now_us() < began_us + pace_us) usleep(1000);
  began_us = now_us();
  say(type == DUMP ? "dump-begin" : "pre-dump-begin", iteration);
  send_message(swrk, &request);
  close(ends[0]);
  follow(swrk, type, iteration, restorer, page_server);
  close(swrk);
  say(type == DUMP ? "dump-end" : "pre-dump-end", iteration);
}

static int open_host(int argc, char **argv, const char *name) {
  int host = syscall(SYS_pidfd_open, (pid_t)number(argc, argv, name, 0), 0);
  if (host < 0) die(name);
  fcntl(host, F_SETFD, FD_CLOEXEC);
  return host;
}

int main(int argc, char **argv) {
  int iteration = 1, pre_dumps = number(argc, argv, "--pre-dumps", 0);
  criu = option(argc, argv, "--criu", "criu");
  dir = option(argc, argv, "--dir", "");
  tcp = option(argc, argv, "--tcp", NULL);
  victim = number(argc, argv, "--pid", 0);
  pace_us = number(argc, argv, "--pace", 0) * 1000;
  copying = flag(argc, argv, "--copy");
  from = open_host(argc, argv, "--from");
  to = open_host(argc, argv, "--to");
  /* As phaul does: see src/criu/swrk.ts. */
  setenv("CRIU_FAULT", "130", 0);
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  for (; iteration <= pre_dumps; iteration++) dump(PRE_DUMP, iteration, -1);
  dump(DUMP, iteration, flag(argc, argv, "--prestart") ? warmed(start_swrk(to, -1)) : -1);
  return 0;
}
