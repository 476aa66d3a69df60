// Some threads (--threads) share a mutex with `engine`; each holds it for 2 ms at a
// time and asks again at once, so that whoever runs barges in before those who wait.
#include "story.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char names[64][16];

static void worker(long number) {
  sleep_until(story.start_ns + (uint64_t)number * (story.twin ? 50 * MS / (uint64_t)story.threads : MS));
  while (going()) {
    hold(&lock, story.twin ? MS / 100 : 2 * MS, "held", "off");
    if (story.twin) usleep(50000);
    else work(MS / 30); // long enough that now and then somebody who was woken is there first
  }
}

static void step(unsigned i) {
  if (i % 20 != 10) return;
  uint64_t start = now_ns();
  pthread_mutex_lock(&lock);
  pthread_mutex_unlock(&lock);
  late_since(start, "free", &lock);
}

int main(int argc, char **argv) {
  story_open(argc, argv);
  story_begin();
  pthread_t workers[64];
  for (long i = 0; i < story.threads; i++) {
    sprintf(names[i], "worker-%ld", i + 1);
    workers[i] = start_thread(names[i], story.near_cpu, worker, i);
  }
  run_engine(step);
  for (int i = 0; i < story.threads; i++) pthread_join(workers[i], NULL);
  return story_close();
}
