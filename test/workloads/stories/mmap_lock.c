// `mapper` changes the protection of a gigabyte, which holds the lock of the address space for milliseconds; `engine`
// maps and unmaps pages between its launches, and waits for that lock in the kernel.
#include "story.h"

#define BYTES (1024ul << 20)

static char *memory;

static void mapper(long unused) {
  (void)unused;
  for (uint64_t next = story.start_ns + 20 * MS; going(); next += 50 * MS) {
    sleep_until(next);
    if (!story.twin) {
      uint64_t start = now_ns(), before = switches();
      if (mprotect(memory, BYTES, PROT_READ) || mprotect(memory, BYTES, PROT_READ | PROT_WRITE))
        fail("mprotect: %s", strerror(errno));
      note("stretch", switches() > before ? "disturbed" : "held", start, now_ns(), NULL);
    }
    if (next < now_ns()) next = now_ns();
  }
}

// Maps and unmaps for a while, so that it meets the lock here and hardly ever in a probe of the capture.
static void step(unsigned i) {
  (void)i;
  uint64_t start = now_ns();
  while (now_ns() < start + MS / 4) {
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(page, 4096);
  }
  late_since(start, "passed", NULL);
}

int main(int argc, char **argv) {
  story_open(argc, argv);
  memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail("mmap: %s", strerror(errno));
  madvise(memory, BYTES, MADV_NOHUGEPAGE);
  memset(memory, 1, BYTES);
  story_begin();
  pthread_t thread = start_thread("mapper", story.near_cpu, mapper, 0);
  run_engine(step);
  pthread_join(thread, NULL);
  return story_close();
}
