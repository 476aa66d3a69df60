// Eight threads and `engine` share one arena of malloc, full of holes. `arena-1` gives the holes back to the kernel now and
// then (malloc_trim), one by one, with the arena's lock held, which takes milliseconds.
#include "story.h"
#include <malloc.h>

#define HOLES 6000
#define HOLE_BYTES (32 << 10)

static char names[8][16];

// A compiler leaves out what is freed at once.
static void take_and_free(size_t bytes) {
  void *volatile block = malloc(bytes);
  free(block);
}

static void make_holes(void) {
  static void *holes[HOLES];
  for (int i = 0; i < HOLES; i++)
    if (!(holes[i] = malloc(HOLE_BYTES)) || !malloc(2000)) fail("no memory"); // what is kept keeps the holes apart
  for (int i = 0; i < HOLES; i++) free(holes[i]);
}

static void user(long number) {
  sleep_until(story.start_ns + (uint64_t)number * MS);
  while (going()) {
    for (int i = 0; i < 10; i++) take_and_free(2000 + (size_t)i * 16);
    usleep(40000);
    if (number || story.twin) continue;
    uint64_t start = now_ns(), before = switches();
    malloc_trim(0);
    note("stretch", switches() > before ? "disturbed" : "held", start, now_ns(), NULL);
  }
}

static void step(unsigned i) {
  uint64_t start = now_ns();
  take_and_free(3000 + i % 50 * 16);
  late_since(start, "passed", NULL);
}

int main(int argc, char **argv) {
  story_open(argc, argv);
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  make_holes();
  story_begin();
  pthread_t threads[8];
  for (long i = 0; i < 8; i++) {
    sprintf(names[i], "arena-%ld", i + 1);
    threads[i] = start_thread(names[i], story.near_cpu, user, i);
  }
  run_engine(step);
  for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
  return story_close();
}
