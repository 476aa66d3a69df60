// The group of `engine` may use 20 ms of CPU in each 100 ms, and wants all of it.
#include "cgroup.h"
#include "story.h"

int main(int argc, char **argv) {
  story_open(argc, argv);
  struct cgroup group = make_cgroup("quota");
  if (!story.twin) set_quota(&group, 20000, 100000);
  join_cgroup(&group, getpid());
  story_begin();
  run_equal_engine(story.engine_cpu, "throttled");
  leave_cgroup(&group, getpid());
  remove_cgroup(&group);
  return story_close();
}
