// Keeps one CPU busy until it is killed, or for a minute: the neighbour that takes time from a pinned thread.
//   spinner CPU
#include "workload.h"

int main(int argc, char **argv) {
  if (argc != 2) fail("spinner CPU");
  pin_to(atoi(argv[1]));
  for (uint64_t end = now_ns() + 60 * SECOND; now_ns() < end;) {
  }
  return 0;
}
