// `engine` reads its batches from a pipe; process `loader` computes for 8 ms before it writes some of them.
#include "story.h"

static int wish[2], batch[2];

static void loader(void) {
  char byte;
  while (read(wish[0], &byte, 1) == 1) {
    make(story.twin ? MS / 50 : 8 * MS);
    if (write(batch[1], &byte, 1) != 1) _exit(1);
  }
}

static void step(unsigned i) {
  char byte = 1;
  if (i % 40 != 20) return;
  if (write(wish[1], &byte, 1) != 1) fail("pipe: %s", strerror(errno));
  uint64_t start = now_ns();
  if (read(batch[0], &byte, 1) != 1) fail("pipe: %s", strerror(errno));
  late_since(start, "passed", NULL);
}

int main(int argc, char **argv) {
  story_open(argc, argv);
  if (pipe(wish) || pipe(batch)) fail("pipe: %s", strerror(errno));
  pid_t child = start_process("loader", story.near_cpu, loader);
  story_begin();
  run_engine(step);
  end_process(child);
  return story_close();
}
