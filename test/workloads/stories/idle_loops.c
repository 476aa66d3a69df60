// Nothing is wrong: `engine` polls an empty descriptor with time-outs, and `sleeper` sleeps 50 ms at a time, each with a
// launch between.
#include "story.h"

static int nothing[2];

static void sleeper(long unused) {
  (void)unused;
  while (going()) {
    launch();
    usleep(50000);
  }
}

static void poller(long unused) {
  (void)unused;
  for (unsigned i = 0; going(); i++) {
    launch();
    poll(&(struct pollfd){.fd = nothing[0], .events = POLLIN}, 1, i % 4 ? 10 : 30);
  }
}

int main(int argc, char **argv) {
  story_open(argc, argv);
  if (pipe(nothing)) fail("pipe: %s", strerror(errno));
  story_begin();
  pthread_t threads[] = {start_thread("sleeper", story.near_cpu, sleeper, 0),
                         start_thread("engine", story.engine_cpu, poller, 0)};
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  return story_close();
}
