// `engine` waits on a condition variable for a batch that `producer` makes too slowly.
#include "story.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int wanted, ready;

static void producer(long unused) {
  (void)unused;
  pthread_mutex_lock(&lock);
  for (;;) {
    while (!wanted) pthread_cond_wait(&changed, &lock);
    if (wanted < 0) break;
    wanted = 0;
    pthread_mutex_unlock(&lock);
    make(story.twin ? MS / 50 : 8 * MS);
    pthread_mutex_lock(&lock);
    ready = 1;
    pthread_cond_broadcast(&changed);
  }
  pthread_mutex_unlock(&lock);
}

static void ask(int what) {
  pthread_mutex_lock(&lock);
  wanted = what, ready = 0;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

static void step(unsigned i) {
  if (i % 40 != 20) return;
  ask(1);
  uint64_t start = now_ns();
  pthread_mutex_lock(&lock);
  while (!ready) pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
  late_since(start, "passed", &changed);
}

int main(int argc, char **argv) {
  story_open(argc, argv);
  story_begin();
  pthread_t thread = start_thread("producer", story.near_cpu, producer, 0);
  run_engine(step);
  ask(-1);
  pthread_join(thread, NULL);
  return story_close();
}
