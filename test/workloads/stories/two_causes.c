// Two troubles at once: `keeper` holds a lock that `engine` wants for 6 ms, and process `loader` is late by 9 ms with a
// batch. Each has its share.
#include "story.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int wish[2], batch[2];

static void keeper(long unused) {
  (void)unused;
  for (uint64_t next = story.start_ns + 15 * MS; going(); next += 50 * MS) {
    sleep_until(next);
    hold(&lock, story.twin ? MS / 50 : 6 * MS, "lock/held", "lock/off");
  }
}

static void loader(void) {
  char byte;
  while (read(wish[0], &byte, 1) == 1) {
    uint64_t start = now_ns();
    compute(story.twin ? MS / 50 : 9 * MS, "batch/off");
    note("stretch", "batch/made", start, now_ns(), NULL);
    if (write(batch[1], &byte, 1) != 1) _exit(1);
  }
}

static void step(unsigned i) {
  char byte = 1;
  uint64_t start = now_ns();
  pthread_mutex_lock(&lock);
  pthread_mutex_unlock(&lock);
  late_since(start, "lock", &lock);
  if (i % 50 != 35) return;
  if (write(wish[1], &byte, 1) != 1) fail("pipe: %s", strerror(errno));
  start = now_ns();
  if (read(batch[0], &byte, 1) != 1) fail("pipe: %s", strerror(errno));
  late_since(start, "batch", NULL);
}

int main(int argc, char **argv) {
  story_open(argc, argv);
  if (pipe(wish) || pipe(batch)) fail("pipe: %s", strerror(errno));
  pid_t child = start_process("loader", story.near_cpu, loader);
  story_begin();
  pthread_t thread = start_thread("keeper", story.near_cpu, keeper, 0);
  run_engine(step);
  pthread_join(thread, NULL);
  end_process(child);
  return story_close();
}
