// `engine` waits on an eventfd that thread `feeder` signals after 8 ms of work.
#include "story.h"
#include <sys/eventfd.h>

static int wish, done;

static void feeder(long unused) {
  (void)unused;
  uint64_t value;
  while (read(wish, &value, sizeof value) > 0 && value == 1) {
    make(story.twin ? MS / 50 : 8 * MS);
    value = 1;
    if (write(done, &value, sizeof value) < 0) fail("eventfd: %s", strerror(errno));
  }
}

static void tell(uint64_t value) {
  if (write(wish, &value, sizeof value) < 0) fail("eventfd: %s", strerror(errno));
}

static void step(unsigned i) {
  if (i % 40 != 20) return;
  tell(1);
  uint64_t start = now_ns(), value;
  if (read(done, &value, sizeof value) < 0) fail("eventfd: %s", strerror(errno));
  late_since(start, "passed", NULL);
}

int main(int argc, char **argv) {
  story_open(argc, argv);
  wish = eventfd(0, EFD_CLOEXEC), done = eventfd(0, EFD_CLOEXEC);
  story_begin();
  pthread_t thread = start_thread("feeder", story.near_cpu, feeder, 0);
  run_engine(step);
  tell(2);
  pthread_join(thread, NULL);
  return story_close();
}
