/*
 * The harness's hand inside a guest: process 1 of a virtual machine, or of a namespace "host" in
 * the single-guest lane. Each TCP connection runs one command.
 *
 *   agent serve PORT TOKEN            serve in this namespace
 *   agent host NAME PORT TOKEN SETUP  serve as process 1 of new net, pid, mount, uts and ipc
 *                                     namespaces, prepared by the shell script SETUP
 *
 * Request:  TOKEN (32 bytes), u32be length, then NUL-ended strings: cwd, argc, argv..., env...
 * Frames:   u8 type, u32be length, data.
 *   to the agent:   0 stdin (length 0 ends it), 1 signal (one byte)
 *   to the harness: 1 stdout, 2 stderr, 3 exit (i32be code, i32be signal), 4 pid (u32be)
 *
 * The end is a frame and not EOF: a job left in the background keeps the pipes open.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TOKEN_BYTES = 32, MAX_REQUEST = 1 << 20, MAX_STRINGS = 4096, CHUNK = 65536 };

static const char *token;

static int read_all(int fd, void *to, size_t length) {
  for (size_t done = 0; done < length;) {
    ssize_t n = read(fd, (char *)to + done, length - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return -1;
    done += n;
  }
  return 0;
}

static int write_all(int fd, const void *from, size_t length) {
  for (size_t done = 0; done < length;) {
    ssize_t n = write(fd, (const char *)from + done, length - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return -1;
    done += n;
  }
  return 0;
}

static int send_frame(int sock, uint8_t type, const void *data, uint32_t length) {
  uint8_t head[5];
  uint32_t be = htonl(length);
  head[0] = type;
  memcpy(head + 1, &be, 4);
  return write_all(sock, head, 5) || write_all(sock, data, length) ? -1 : 0;
}

/* Splits `body` into NUL-ended strings; returns how many. */
static int split(char *body, uint32_t length, char **strings) {
  int count = 0;
  for (uint32_t at = 0; at < length && count < MAX_STRINGS; at += strlen(body + at) + 1)
    strings[count++] = body + at;
  return count;
}

static void become_command(char **strings, int count) {
  static char *argv[MAX_STRINGS + 1];
  int argc = atoi(strings[1]);
  if (argc < 1 || argc > count - 2) _exit(126);
  memcpy(argv, strings + 2, argc * sizeof(char *));
  clearenv();
  for (int i = 2 + argc; i < count; i++) putenv(strings[i]);
  setsid();
  close_range(3, ~0U, 0);
  signal(SIGPIPE, SIG_DFL);
  if (chdir(strings[0]) != 0) fprintf(stderr, "agent: cannot enter %s\n", strings[0]);
  execvp(argv[0], argv);
  fprintf(stderr, "agent: cannot run %s: %s\n", argv[0], strerror(errno));
  _exit(127);
}

/* Sends what `fd` holds as one frame; -1 when it is at its end or the harness is gone. */
static int forward(int sock, uint8_t type, int fd, int *gone) {
  static char chunk[CHUNK];
  ssize_t n = read(fd, chunk, sizeof chunk);
  if (n < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
  if (n == 0) return -1;
  if (send_frame(sock, type, chunk, n) != 0) *gone = 1;
  return n;
}

struct stdin_queue { char *data; uint32_t length, done; };

/* Takes one frame of the harness; -1 when it has hung up. */
static int take_frame(int sock, int *input, pid_t child, struct stdin_queue *queue) {
  uint8_t head[5];
  uint32_t length;
  if (read_all(sock, head, 5) != 0) return -1;
  memcpy(&length, head + 1, 4);
  length = ntohl(length);
  if (length > MAX_REQUEST) return -1;
  char *data = malloc(length + 1);
  if (read_all(sock, data, length) != 0) return -1;
  if (head[0] == 1 && length == 1) kill(data[0] & 0x40 ? -child : child, data[0] & 0x3f);
  if (head[0] == 0 && length == 0 && *input >= 0) {
    close(*input);
    *input = -1;
  }
  if (head[0] == 0 && length > 0 && *input >= 0) {
    *queue = (struct stdin_queue){data, length, 0};
    return 0;
  }
  free(data);
  return 0;
}

static void feed(int *input, struct stdin_queue *queue) {
  ssize_t n = write(*input, queue->data + queue->done, queue->length - queue->done);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n > 0) queue->done += n;
  if (n < 0) {
    close(*input);
    *input = -1;
  }
  if (n >= 0 && queue->done < queue->length) return;
  free(queue->data);
  *queue = (struct stdin_queue){0};
}

static void finish(int sock, pid_t child, int out, int err) {
  int status = 0, gone = 0;
  int32_t end[2] = {0, 0};
  waitpid(child, &status, 0);
  while (out >= 0 && !gone && forward(sock, 1, out, &gone) > 0);
  while (err >= 0 && !gone && forward(sock, 2, err, &gone) > 0);
  if (WIFEXITED(status)) end[0] = htonl(WEXITSTATUS(status));
  if (WIFSIGNALED(status)) {
    end[0] = htonl(128 + WTERMSIG(status));
    end[1] = htonl(WTERMSIG(status));
  }
  if (!gone) send_frame(sock, 3, end, sizeof end);
}

static void relay(int sock, pid_t child, int input, int out, int err) {
  int ended = syscall(SYS_pidfd_open, child, 0), gone = 0;
  struct stdin_queue queue = {0};
  fcntl(input, F_SETFL, O_NONBLOCK);
  fcntl(out, F_SETFL, O_NONBLOCK);
  fcntl(err, F_SETFL, O_NONBLOCK);
  for (;;) {
    struct pollfd fds[5] = {
        {.fd = queue.data ? -1 : sock, .events = POLLIN},
        {.fd = ended, .events = POLLIN},
        {.fd = out, .events = POLLIN},
        {.fd = err, .events = POLLIN},
        {.fd = queue.data ? input : -1, .events = POLLOUT},
    };
    if (poll(fds, 5, -1) < 0 && errno != EINTR) break;
    if (fds[2].revents && forward(sock, 1, out, &gone) < 0) out = -1;
    if (fds[3].revents && forward(sock, 2, err, &gone) < 0) err = -1;
    if (fds[4].revents) feed(&input, &queue);
    if (fds[1].revents) return finish(sock, child, out, err);
    if (fds[0].revents && take_frame(sock, &input, child, &queue) != 0) gone = 1;
    if (gone) break;
  }
  /* The harness hung up: the command goes with it, what made a session of its own stays. */
  kill(-child, SIGKILL);
}

static void handle(int sock) {
  char given[TOKEN_BYTES], *body, *strings[MAX_STRINGS];
  uint32_t length;
  int input[2], out[2], err[2];
  if (read_all(sock, given, TOKEN_BYTES) || memcmp(given, token, TOKEN_BYTES)) return;
  if (read_all(sock, &length, 4)) return;
  length = ntohl(length);
  if (length == 0 || length > MAX_REQUEST) return;
  body = malloc(length);
  if (read_all(sock, body, length) || body[length - 1] != 0) return;
  int count = split(body, length, strings);
  if (count < 3 || pipe2(input, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
    return;
  signal(SIGPIPE, SIG_IGN);
  signal(SIGCHLD, SIG_DFL);
  pid_t child = fork();
  if (child == 0) {
    dup2(input[0], 0);
    dup2(out[1], 1);
    dup2(err[1], 2);
    become_command(strings, count);
  }
  close(input[0]);
  close(out[1]);
  close(err[1]);
  uint32_t pid = htonl(child);
  if (child < 0 || send_frame(sock, 4, &pid, 4) != 0) return;
  relay(sock, child, input[1], out[0], err[0]);
}

static int listen_on(int port) {
  int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(sock, (struct sockaddr *)&address, sizeof address) || listen(sock, 64)) {
    perror("agent: cannot listen");
    exit(1);
  }
  return sock;
}

static void serve(int listener) {
  /* Ignored, so that orphans are reaped, and their pids free, at once. */
  signal(SIGCHLD, SIG_IGN);
  for (;;) {
    int sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (sock < 0) continue;
    pid_t pid = fork();
    if (pid == 0) {
      close(listener);
      handle(sock);
      _exit(0);
    }
    close(sock);
  }
}

/* The listener is bound before the namespaces change: the control port stays with the guest. */
static void serve_in_namespaces(char **argv, int listener) {
  if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET) != 0) {
    perror("agent: cannot unshare");
    exit(1);
  }
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setsid();
    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    sethostname(argv[2], strlen(argv[2]));
    if (system(argv[5]) != 0) {
      fprintf(stderr, "agent: %s failed\n", argv[5]);
      exit(1);
    }
    printf("ready\n");
    fflush(stdout);
    serve(listener);
  }
  printf("pid %d\n", pid);
  fflush(stdout);
  close(listener);
  int status = 0;
  waitpid(pid, &status, 0);
  exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "serve") == 0 && strlen(argv[3]) == TOKEN_BYTES) {
    token = argv[3];
    serve(listen_on(atoi(argv[2])));
  }
  if (argc == 6 && strcmp(argv[1], "host") == 0 && strlen(argv[4]) == TOKEN_BYTES) {
    token = argv[4];
    serve_in_namespaces(argv, listen_on(atoi(argv[3])));
  }
  fprintf(stderr, "usage: agent serve PORT TOKEN | agent host NAME PORT TOKEN SETUP\n");
  return 2;
}
