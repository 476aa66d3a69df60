// `engine` itself reads from the disk for 8 ms between two launches, past the page cache.
#include "scratch.h"
#include "story.h"

static struct scratch data;

static void step(unsigned i) {
  if (i % 40 != 20 || story.twin) return;
  uint64_t start = now_ns();
  while (now_ns() < start + 8 * MS) read_chunk(&data, "read");
  late_since(start, "between", NULL);
}

int main(int argc, char **argv) {
  story_open(argc, argv);
  data = scratch_open(O_DIRECT);
  story_begin();
  run_engine(step);
  return story_close();
}
