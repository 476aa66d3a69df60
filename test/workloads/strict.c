// Block and wake: two threads on one CPU hand a turn back and forth through futexes. With SCHED_BATCH on both there is
// no wake-up preemption, so a round trip is exactly two switches and two wakes. Prints one JSON line: nanoseconds a
// round trip, the least of three.
//   strict [--rounds N] [--wait-start]

#include "workload.h"
#include <getopt.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/syscall.h>

static _Atomic unsigned turn; // even: main, odd: the other
static unsigned rounds = 100000;

static void pass_and_wait(unsigned mine) {
  atomic_store(&turn, mine + 1);
  syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
  while (atomic_load(&turn) == mine + 1) syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, mine + 1, NULL, NULL, 0);
}

static void become_batch(void) {
  if (sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0})) fail("SCHED_BATCH is refused: %s", strerror(errno));
}

static void *other(void *unused) {
  (void)unused;
  become_batch();
  while (atomic_load(&turn) == 0) syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
  for (unsigned i = 0; i < 3 * rounds - 1; i++) pass_and_wait(2 * i + 1);
  atomic_store(&turn, 6 * rounds);
  syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
  return NULL;
}

int main(int argc, char **argv) {
  int waiting = 0, option;
  static const struct option options[] = {{"rounds", 1, 0, 'r'}, {"wait-start", 0, 0, 'w'}, {0}};
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (option == 'r') rounds = (unsigned)atoi(optarg);
    else if (option == 'w') waiting = 1;
    else fail("strict [--rounds N] [--wait-start]");
  }
  if (rounds < 1 || rounds > 10000000) fail("--rounds is 1 to 10000000");
  expect_start();
  int first, last;
  choose_cpus(&first, &last);
  if (waiting) wait_start();
  pin_to(last);
  become_batch();
  pthread_t thread;
  pthread_create(&thread, NULL, other, NULL);
  uint64_t best = UINT64_MAX;
  for (unsigned run = 0, i = 0; run < 3; run++) {
    uint64_t start = now_ns();
    for (unsigned n = 0; n < rounds; n++, i++) pass_and_wait(2 * i);
    uint64_t took = now_ns() - start;
    if (took < best) best = took;
  }
  pthread_join(thread, NULL);
  printf("{\"rounds\":%u,\"round_trip_ns\":%.1f}\n", rounds, (double)best / rounds);
  return 0;
}
