// What a call costs: cudaLaunchKernel of the stand-in libraries, and an exported function that does nothing (where a
// bench can put an empty pair of uprobes: both begin with push %rbp). Prints one JSON line, nanoseconds a call, the
// least of three.
//   calls [--count N] [--wait-start]

#include "cuda.h"
#include "workload.h"
#include <getopt.h>

// Not a leaf for the compiler, or it would drop the frame.
__attribute__((noinline, visibility("default"))) void empty_call(void) {
  __asm__ volatile("" ::"r"(__builtin_frame_address(0)) : "memory");
}

static void kernel(void) {}
static cudaStream_t stream;

static void launch(void) { cudaLaunchKernel((void *)kernel, (dim3){1, 1, 1}, (dim3){32, 1, 1}, NULL, 0, stream); }

static double least_ns(void (*call)(void), unsigned count) {
  uint64_t best = UINT64_MAX;
  for (int run = 0; run < 3; run++) {
    uint64_t start = now_ns();
    for (unsigned i = 0; i < count; i++) call();
    uint64_t took = now_ns() - start;
    if (took < best) best = took;
  }
  return (double)best / count;
}

int main(int argc, char **argv) {
  unsigned count = 1000000;
  int waiting = 0, option;
  static const struct option options[] = {{"count", 1, 0, 'c'}, {"wait-start", 0, 0, 'w'}, {0}};
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (option == 'c') count = (unsigned)atoi(optarg);
    else if (option == 'w') waiting = 1;
    else fail("calls [--count N] [--wait-start]");
  }
  if (count < 1) fail("--count is 1 or more");
  expect_start();
  cudaStreamCreate(&stream);
  if (waiting) wait_start();
  double empty = least_ns(empty_call, count), call = least_ns(launch, count);
  printf("{\"count\":%u,\"call_ns\":%.2f,\"empty_ns\":%.2f}\n", count, call, empty);
  return 0;
}
