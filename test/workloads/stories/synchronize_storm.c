// Beside a decode loop, `sampler` fetches log-probabilities with thousands of short synchronizes a second, each of which
// spins for 60 us until the device is done: none is slow, together they are most of its time.
#include "story.h"

static void sampler(long unused) {
  (void)unused;
  cudaStream_t stream;
  cudaStreamCreate(&stream);
  while (going()) {
    uint64_t start = now_ns(), before = switches();
    cudaStreamSynchronize(stream);
    if (!story.twin) note("delay", switches() > before ? "disturbed" : "device", start, now_ns(), NULL);
    work(5000);
    if (story.twin) usleep(2000);
  }
}

static void step(unsigned i) { (void)i; }

int main(int argc, char **argv) {
  story_open(argc, argv);
  fakecuda_set_latency("cuStreamSynchronize", 60000, FAKECUDA_SPIN);
  story_begin();
  pthread_t thread = start_thread("sampler", story.near_cpu, sampler, 0);
  run_engine(step);
  pthread_join(thread, NULL);
  return story_close();
}
