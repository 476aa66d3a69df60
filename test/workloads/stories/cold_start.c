// The first launch of a kernel loads its module, which takes 60 ms on the CPU; the launches after it take nothing.
#include "story.h"

static void cold_kernel(void) {}

static void step(unsigned i) {
  if (i) return;
  uint64_t start = now_ns();
  cudaLaunchKernel((void *)cold_kernel, (dim3){1, 1, 1}, (dim3){32, 1, 1}, NULL, 0, story.stream);
  late_since(start, "loading", NULL);
}

int main(int argc, char **argv) {
  static char image[64];
  story_open(argc, argv);
  fakecuda_set_latency("cuLibraryLoadData", story.twin ? 1000 : 60 * MS, FAKECUDA_SPIN);
  __cudaRegisterFunction(__cudaRegisterFatBinary(image), (void *)cold_kernel, NULL, "cold_kernel", -1, NULL, NULL, NULL,
                         NULL, NULL);
  story_begin();
  run_engine(step);
  return story_close();
}
