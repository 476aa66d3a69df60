// A request goes from `engine` through three threads by eventfds in epoll, and back; the third computes for 8 ms.
#include "story.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

// events[0]: engine's wish to stage-1, 1: to stage-2, 2: to stage-3, 3: stage-3's word to stage-2, 4: to stage-1, 5: to engine
static int events[6], polls[6];

static void say(int i, uint64_t value) {
  if (write(events[i], &value, sizeof value) < 0) fail("eventfd: %s", strerror(errno));
}

static uint64_t hear(int i) {
  struct epoll_event event;
  uint64_t value = 0;
  while (epoll_wait(polls[i], &event, 1, -1) < 1) {
  }
  return read(events[i], &value, sizeof value) < 0 ? 0 : value;
}

static void stage(long number) {
  for (uint64_t value; (value = hear((int)number - 1));) {
    if (number < 3) {
      say((int)number, value);
      if (value == 1) hear(6 - (int)number - 1);
    } else if (value == 1) make(story.twin ? MS / 50 : 8 * MS);
    if (value != 1) return;
    say(6 - (int)number, 1);
  }
}

static void step(unsigned i) {
  if (i % 40 != 20) return;
  uint64_t start = now_ns();
  say(0, 1);
  hear(5);
  late_since(start, "passed", NULL);
}

int main(int argc, char **argv) {
  story_open(argc, argv);
  for (int i = 0; i < 6; i++) {
    events[i] = eventfd(0, EFD_CLOEXEC), polls[i] = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(polls[i], EPOLL_CTL_ADD, events[i], &(struct epoll_event){.events = EPOLLIN});
  }
  story_begin();
  pthread_t threads[3];
  static const char *names[] = {"stage-1", "stage-2", "stage-3"};
  for (long i = 0; i < 3; i++) threads[i] = start_thread(names[i], i < 2 ? story.engine_cpu : story.near_cpu, stage, i + 1);
  run_engine(step);
  say(0, 2);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  return story_close();
}
