// `engine` reads its batches from a pipe; process `dl-worker` reads from the disk for 8 ms, past the page cache, before it
// writes one.
#include "scratch.h"
#include "story.h"

static int wish[2], batch[2];
static struct scratch data;

static void worker(void) {
  char byte;
  for (uint64_t start; read(wish[0], &byte, 1) == 1;) {
    for (start = now_ns(); !story.twin && now_ns() < start + 8 * MS;) read_chunk(&data, "read");
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
  data = scratch_open(O_DIRECT);
  pid_t child = start_process("dl-worker", story.near_cpu, worker);
  story_begin();
  run_engine(step);
  end_process(child);
  return story_close();
}
