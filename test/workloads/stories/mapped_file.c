// `engine` touches pages of a mapped file, as of a model's weights, that are not in memory: each touch waits for the disk.
#include "scratch.h"
#include "story.h"

static struct scratch data;
static volatile char *pages;

static void forget(void) {
  if (madvise((void *)pages, SCRATCH_BYTES, MADV_DONTNEED) || posix_fadvise(data.fd, 0, 0, POSIX_FADV_DONTNEED))
    fail("the page cache: %s", strerror(errno));
}

static void step(unsigned i) {
  static size_t at;
  if (i % 40 == 10) forget();
  if (i % 40 != 20 || story.twin) return;
  uint64_t start = now_ns();
  while (now_ns() < start + 8 * MS) {
    struct io touch = io_begin();
    (void)pages[at];
    io_end(touch, "fault");
    at = (at + 16 * 4096) % SCRATCH_BYTES;
  }
  late_since(start, "between", NULL);
}

int main(int argc, char **argv) {
  story_open(argc, argv);
  data = scratch_open(0);
  pages = mmap(NULL, SCRATCH_BYTES, PROT_READ, MAP_SHARED, data.fd, 0);
  if (pages == MAP_FAILED) fail("mmap: %s", strerror(errno));
  if (madvise((void *)pages, SCRATCH_BYTES, MADV_RANDOM)) fail("madvise: %s", strerror(errno));
  story_begin();
  run_engine(step);
  return story_close();
}
