// A real-time process takes the CPU of `engine` for 12 ms of each 60.
#include "story.h"

static void hog(void) {
  sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 50});
  for (;;) {
    uint64_t start = now_ns();
    work(story.twin ? MS / 10 : 12 * MS);
    note("stretch", "taken", start, now_ns(), NULL);
    usleep(48000);
  }
}

int main(int argc, char **argv) {
  story_open(argc, argv);
  story_begin();
  pid_t child = start_process("rt-hog", story.near_cpu, hog);
  run_equal_engine(story.near_cpu, "off");
  end_process(child);
  return story_close();
}
