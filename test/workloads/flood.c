// Threads that call cudaLaunchKernel as fast as they can, a known number of times. Half of them (rounded down) are born
// while the others already run. Each thread has its own stream and launch configuration, so that arguments can be told
// apart; the log has the exact counts.

#include "cuda.h"
#include "workload.h"
#include <getopt.h>

#define MAX_THREADS 64

static pthread_barrier_t begin;
static struct worker {
  pthread_t thread;
  int number, early;
  uint64_t calls;
  cudaStream_t stream;
} workers[MAX_THREADS];

static void flood_kernel(void) {}

static void *flood(void *arg) {
  struct worker *w = arg;
  char name[16];
  snprintf(name, sizeof name, "flood-%d", w->number);
  log_thread(name);
  if (w->early) pthread_barrier_wait(&begin);
  uint64_t start = now_ns(), failed = 0;
  unsigned n = (unsigned)w->number;
  for (uint64_t i = 0; i < w->calls; i++)
    failed += cudaLaunchKernel((void *)flood_kernel, (dim3){n + 1, 2, 3}, (dim3){32 * (n + 1), 4, 5}, NULL, 256 * n, w->stream) != 0;
  uint64_t end = now_ns();
  if (failed) fail("%llu launches failed", (unsigned long long)failed);
  log_calls(name, "cudaLaunchKernel", w->calls);
  log_calls(name, "cuLaunchKernel", w->calls); // the runtime makes one call of the driver for each
  log_line("{\"type\":\"flood\",\"thread\":\"%s\",\"tid\":%d,\"early\":%s,\"stream\":\"%p\",\"grid\":[%u,2,3],"
           "\"block\":[%u,4,5],\"shared_bytes\":%u,\"start_ns\":%llu,\"end_ns\":%llu}",
           name, gettid(), w->early ? "true" : "false", w->stream, n + 1, 32 * (n + 1), 256 * n,
           (unsigned long long)start, (unsigned long long)end);
  return NULL;
}

static const char usage[] = "flood [--threads N] [--calls TOTAL] [--log FILE] [--wait-start]      (test/workloads/README.md)\n";

int main(int argc, char **argv) {
  unsigned threads = 4;
  uint64_t calls = 1000000;
  int waiting = 0, option;
  const char *log = NULL;
  static const struct option options[] = {
      {"threads", 1, 0, 't'}, {"calls", 1, 0, 'c'}, {"log", 1, 0, 'l'}, {"wait-start", 0, 0, 'w'}, {0}};
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (option == 't') threads = (unsigned)atoi(optarg);
    else if (option == 'c') calls = strtoull(optarg, NULL, 10);
    else if (option == 'l') log = optarg;
    else if (option == 'w') waiting = 1;
    else fail("\n%s", usage);
  }
  if (!threads || threads > MAX_THREADS || calls < threads || optind < argc) fail("\n%s", usage);

  expect_start();
  unsigned early = threads - threads / 2;
  pthread_barrier_init(&begin, NULL, early + 1);
  for (unsigned i = 0; i < threads; i++) {
    workers[i].number = (int)i;
    workers[i].early = i < early;
    workers[i].calls = calls / threads + (i < calls % threads);
    cudaStreamCreate(&workers[i].stream);
    if (i < early) pthread_create(&workers[i].thread, NULL, flood, &workers[i]);
  }
  if (waiting) wait_start();
  uint64_t start = now_ns();
  pthread_barrier_wait(&begin);
  for (unsigned i = early; i < threads; i++) {
    sleep_until(now_ns() + 5 * MS);
    pthread_create(&workers[i].thread, NULL, flood, &workers[i]);
  }
  for (unsigned i = 0; i < threads; i++) pthread_join(workers[i].thread, NULL);

  char about[128];
  snprintf(about, sizeof about, "\"threads\":%u,\"calls\":%llu,\"start_ns\":%llu,\"end_ns\":%llu", threads,
           (unsigned long long)calls, (unsigned long long)start, (unsigned long long)now_ns());
  log_workload(about);
  write_log(log);
  return 0;
}
