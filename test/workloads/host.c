// What a host does to a program besides scheduling it, each on purpose and counted by the program itself.
//   host --folder FOLDER [--log FILE] [--wait-start]
//
// It spins in one function (samples), touches pages of a file that are not in memory (major faults), and connects to
// servers that do not answer, over IPv4 and IPv6, until the kernel has asked a second time (retransmits).

#include "workload.h"
#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define PAGE 4096
#define PAGES 64
// Pages apart, so that none is read with another.
#define STRIDE 32

static volatile uint64_t sink;

__attribute__((noinline)) static void spin_here(uint64_t cpu_ns) {
  uint64_t until = clock_ns(CLOCK_THREAD_CPUTIME_ID) + cpu_ns;
  while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < until)
    for (int i = 0; i < 20000; i++) sink += (uint64_t)i;
}

static void spin_case(void) {
  uint64_t start = now_ns(), cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  spin_here(600 * MS);
  log_line("{\"type\":\"spin\",\"tid\":%d,\"start_ns\":%llu,\"end_ns\":%llu,\"cpu_ns\":%llu}", gettid(),
           (unsigned long long)start, (unsigned long long)now_ns(),
           (unsigned long long)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu));
}

static long major_faults(void) {
  struct rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_majflt;
}

static void fault_case(const char *folder) {
  char path[400];
  size_t bytes = (size_t)PAGES * STRIDE * PAGE;
  snprintf(path, sizeof path, "%s/faults.bin", folder);
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  char *block = malloc(bytes);
  memset(block, 7, bytes);
  if (fd < 0 || write(fd, block, bytes) != (ssize_t)bytes || fsync(fd)) fail("%s: %s", path, strerror(errno));
  free(block);
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  char *mapped = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED || madvise(mapped, bytes, MADV_RANDOM)) fail("mmap: %s", strerror(errno));
  long before = major_faults();
  uint64_t start = now_ns();
  for (size_t i = 0; i < PAGES; i++) sink += (uint64_t)mapped[i * STRIDE * PAGE];
  log_line("{\"type\":\"faults\",\"tid\":%d,\"start_ns\":%llu,\"end_ns\":%llu,\"major\":%ld,\"path\":\"%s\"}", gettid(),
           (unsigned long long)start, (unsigned long long)now_ns(), major_faults() - before, path);
  munmap(mapped, bytes);
  close(fd);
}

union address {
  struct sockaddr any;
  struct sockaddr_in four;
  struct sockaddr_in6 six;
};

static int port_of(const union address *address) {
  return ntohs(address->any.sa_family == AF_INET ? address->four.sin_port : address->six.sin6_port);
}

// A server that accepts nobody, with its queue full: it does not answer whoever comes next.
static void *retransmit_case(void *family) {
  union address there = {.any.sa_family = (sa_family_t)(intptr_t)family}, here;
  socklen_t bytes = sizeof there;
  if (there.any.sa_family == AF_INET) there.four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  else there.six.sin6_addr = in6addr_loopback;
  int server = socket(there.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bytes = there.any.sa_family == AF_INET ? sizeof there.four : sizeof there.six;
  if (server < 0 || bind(server, &there.any, bytes) || listen(server, 0)) return NULL; // no IPv6 here
  getsockname(server, &there.any, &bytes);
  int client = -1;
  for (int i = 0; i < 4; i++) { // the queue holds one more than was asked for
    client = socket(there.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (!connect(client, &there.any, bytes)) continue;
    struct pollfd connected = {.fd = client, .events = POLLOUT};
    if (poll(&connected, 1, 100) == 0) break;
  }
  socklen_t own = sizeof here;
  getsockname(client, &here.any, &own);
  uint64_t start = now_ns();
  struct pollfd connected = {.fd = client, .events = POLLOUT};
  poll(&connected, 1, 1500);
  struct tcp_info info;
  socklen_t size = sizeof info;
  getsockopt(client, IPPROTO_TCP, TCP_INFO, &info, &size);
  log_line("{\"type\":\"retransmit\",\"family\":%d,\"tid\":%d,\"start_ns\":%llu,\"end_ns\":%llu,\"count\":%u,\"from\":%d,\"to\":%d}",
           there.any.sa_family == AF_INET ? 4 : 6, gettid(), (unsigned long long)start, (unsigned long long)now_ns(),
           info.tcpi_total_retrans, port_of(&here), port_of(&there));
  return NULL;
}

int main(int argc, char **argv) {
  const char *log = NULL, *folder = NULL;
  int waiting = 0, option;
  static const struct option options[] = {{"log", 1, 0, 'l'}, {"folder", 1, 0, 'f'}, {"wait-start", 0, 0, 'w'}, {0}};
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (option == 'l') log = optarg;
    else if (option == 'f') folder = optarg;
    else if (option == 'w') waiting = 1;
    else fail("host --folder FOLDER [--log FILE] [--wait-start]");
  }
  if (!folder) fail("--folder: where may a file be written and read?");
  expect_start();
  if (waiting) wait_start();
  uint64_t start = now_ns();
  pthread_t connecting[2];
  pthread_create(&connecting[0], NULL, retransmit_case, (void *)(intptr_t)AF_INET);
  pthread_create(&connecting[1], NULL, retransmit_case, (void *)(intptr_t)AF_INET6);
  spin_case();
  fault_case(folder);
  for (int i = 0; i < 2; i++) pthread_join(connecting[i], NULL);
  char more[100];
  snprintf(more, sizeof more, "\"start_ns\":%llu,\"end_ns\":%llu", (unsigned long long)start, (unsigned long long)now_ns());
  log_workload(more);
  write_log(log);
  return 0;
}
