// `logger` holds a lock that `engine` wants while it writes eight megabytes and waits for the disk to have it.
#include "scratch.h"
#include "story.h"

#define BYTES (8 << 20)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char page[BYTES];

static void logger(long fd) {
  for (uint64_t next = story.start_ns + 20 * MS; going(); next += 60 * MS) {
    sleep_until(next);
    pthread_mutex_lock(&lock);
    if (!story.twin) {
      struct io start = io_begin();
      if (pwrite((int)fd, page, BYTES, 0) != BYTES) fail("write: %s", strerror(errno));
      io_end(start, "write");
      start = io_begin();
      if (fsync((int)fd)) fail("fsync: %s", strerror(errno));
      io_end(start, "sync");
    }
    pthread_mutex_unlock(&lock);
    if (next < now_ns()) next = now_ns();
  }
}

static void step(unsigned i) {
  (void)i;
  uint64_t start = now_ns();
  pthread_mutex_lock(&lock);
  pthread_mutex_unlock(&lock);
  late_since(start, "passed", &lock);
}

int main(int argc, char **argv) {
  story_open(argc, argv);
  memset(page, 'x', sizeof page);
  struct scratch data = scratch_open(0);
  story_begin();
  pthread_t thread = start_thread("logger", story.near_cpu, logger, data.fd);
  run_engine(step);
  pthread_join(thread, NULL);
  return story_close();
}
