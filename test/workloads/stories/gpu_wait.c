// `engine` waits for the device, which now and then takes 10 ms: asleep (--variant block) or on the CPU (--variant spin).
#include "story.h"

static void step(unsigned i) {
  enum fakecuda_wait how = strcmp(story.variant, "block") ? FAKECUDA_SPIN : FAKECUDA_BLOCK;
  fakecuda_set_latency("cuStreamSynchronize", i % 40 == 20 && !story.twin ? 10 * MS : 5000, how);
  uint64_t start = now_ns();
  cudaStreamSynchronize(story.stream);
  late_since(start, "device", NULL);
}

int main(int argc, char **argv) {
  story_open(argc, argv);
  story_begin();
  run_engine(step);
  return story_close();
}
