// `engine` touches fresh memory in pages of 4 KB for 8 ms between two launches: each touch is a page fault, which gets its
// page at once.
#include "story.h"

#define BYTES (256ul << 20)

static void step(unsigned i) {
  if (i % 40 != 20 || story.twin) return;
  volatile char *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail("mmap: %s", strerror(errno));
  madvise((void *)memory, BYTES, MADV_NOHUGEPAGE);
  uint64_t start = now_ns();
  for (size_t at = 0; now_ns() < start + 8 * MS && at < BYTES; at += 4096) memory[at] = 1;
  munmap((void *)memory, BYTES);
  late_since(start, "faults", NULL);
}

int main(int argc, char **argv) {
  story_open(argc, argv);
  story_begin();
  run_engine(step);
  return story_close();
}
