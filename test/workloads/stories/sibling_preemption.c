// `engine` computes between its launches on a CPU that it shares with a process that never rests.
#include "story.h"

static void spinner(void) { spin_and_note("taken"); }

int main(int argc, char **argv) {
  story_open(argc, argv);
  story_begin();
  pid_t child = story.twin ? 0 : start_process("spinner", story.near_cpu, spinner);
  run_equal_engine(story.near_cpu, "off");
  if (child) end_process(child);
  return story_close();
}
