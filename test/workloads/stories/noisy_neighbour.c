// `engine` shares its CPU with a process of another cgroup, of equal weight, that never rests.
#include "cgroup.h"
#include "story.h"

static void neighbour(void) { spin_and_note("taken"); }

int main(int argc, char **argv) {
  story_open(argc, argv);
  struct cgroup ours = make_cgroup("ours"), theirs = make_cgroup("theirs");
  join_cgroup(&ours, getpid());
  story_begin();
  pid_t child = story.twin ? 0 : start_process("neighbour", story.near_cpu, neighbour);
  if (child) join_cgroup(&theirs, child);
  run_equal_engine(story.near_cpu, "off");
  if (child) end_process(child);
  leave_cgroup(&ours, getpid());
  remove_cgroup(&theirs);
  remove_cgroup(&ours);
  return story_close();
}
