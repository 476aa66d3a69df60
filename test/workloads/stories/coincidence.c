// Some launches of `engine` are slow by themselves, 8 ms on the CPU, while two threads beside it switch a thousand times
// in that time: the switches have nothing to do with it. (`noise-*`: what the witness, perf, need not see.)
#include "story.h"

static int there[2], back[2];

static void ping(long unused) {
  (void)unused;
  char byte = 1;
  for (; going(); work(5000))
    if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1) fail("pipe: %s", strerror(errno));
  close(there[1]);
}

static void pong(long unused) {
  (void)unused;
  char byte;
  while (read(there[0], &byte, 1) == 1)
    if (write(back[1], &byte, 1) != 1) fail("pipe: %s", strerror(errno));
}

static void step(unsigned i) {
  fakecuda_set_latency("cuMemcpyHtoDAsync_v2", i % 40 == 20 && !story.twin ? 8 * MS : 1000, FAKECUDA_SPIN);
  char word[8] = "";
  uint64_t start = now_ns();
  cudaMemcpyAsync((void *)0x200000001000, word, sizeof word, cudaMemcpyHostToDevice, story.stream);
  late_since(start, "slow", NULL);
}

int main(int argc, char **argv) {
  story_open(argc, argv);
  if (pipe(there) || pipe(back)) fail("pipe: %s", strerror(errno));
  story_begin();
  pthread_t threads[] = {start_thread("noise-ping", story.near_cpu, ping, 0), start_thread("noise-pong", story.near_cpu, pong, 0)};
  run_engine(step);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  return story_close();
}
