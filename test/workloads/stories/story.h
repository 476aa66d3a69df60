// What every story shares: a thread `engine` that launches two kernels every half millisecond and is late for a reason, the
// threads and processes that are the reason, and the log of true delays. Each story is a program of its own:
//
//   STORY [--duration SECONDS] [--log FILE] [--wait-start] [--twin] [--threads N] [--variant WORD]
//
// --twin: the same threads and calls without the trouble. In it nobody may be blamed.
//
// A `delay` says who was late, from when to when, and a word for why; a `stretch` says what a culprit did meanwhile,
// with a word of its own. The words are explained in test/stories/. Both are kept in memory that child processes share,
// and written when all is over.
#pragma once
#include "../cuda.h"
#include "../workload.h"
#include <getopt.h>
#include <stdatomic.h>
#include <sys/mman.h>

// Shorter ones are nobody's trouble.
#define SHORTEST_DELAY (MS)
#define MOST_ENTRIES 65536
// Well under what counts as late, so that a timer that comes late on a busy machine is no story.
#define PERIOD (MS / 2)

struct entry {
  const char *type, *word;
  char thread[16];
  int tid;
  uint64_t start_ns, end_ns, object;
};

static struct {
  int twin, waiting, threads;
  double duration;
  const char *log, *variant;
  uint64_t start_ns, end_ns;
  int near_cpu, engine_cpu; // culprits run on one CPU, engine on the other
  cudaStream_t stream;
  struct entry *entries;
  _Atomic unsigned *count;
} story;

static inline int going(void) { return now_ns() < story.end_ns; }

static inline void note(const char *type, const char *word, uint64_t start, uint64_t end, const void *object) {
  unsigned i = atomic_fetch_add(story.count, 1);
  if (i >= MOST_ENTRIES) fail("more than %d true delays and stretches", MOST_ENTRIES);
  struct entry *e = &story.entries[i];
  *e = (struct entry){type, word, "", gettid(), start, end, (uint64_t)object};
  prctl(PR_GET_NAME, e->thread);
}

static _Thread_local int story_was_late;

// The calling thread was late from `start` until now, because of `word`; what it waited for, where that has an address.
static inline void late_since(uint64_t start, const char *word, const void *object) {
  uint64_t end = now_ns();
  if (end - start >= SHORTEST_DELAY) note("delay", word, start, end, object), story_was_late = 1;
}

// Computes for `ns` of CPU time, and notes each time that it was off the CPU meanwhile; `stolen`: without a switch, so
// that the host or an interrupt took it.
static inline void compute(uint64_t ns, const char *word) {
  struct watch watch = watch_begin();
  struct lost lost;
  for (uint64_t end_cpu = watch.cpu_ns + ns; watch.cpu_ns < end_cpu;)
    if (watch_lost(&watch, &lost)) note(lost.switched ? "stretch" : "stolen", word, lost.start_ns, lost.end_ns, NULL);
}

// Holds the lock for `ns` of CPU time: `held`, until it has let the next one in, and `off` where it had no CPU meanwhile.
static inline void hold(pthread_mutex_t *lock, uint64_t ns, const char *held, const char *off) {
  pthread_mutex_lock(lock);
  struct watch watch = watch_begin();
  struct lost lost;
  uint64_t got = watch.wall_ns, end_cpu = watch.cpu_ns + ns;
  for (int holding = 1; holding;) {
    holding = watch.cpu_ns < end_cpu;
    if (!holding) pthread_mutex_unlock(lock);
    if (watch_lost(&watch, &lost)) note(lost.switched ? "stretch" : "stolen", off, lost.start_ns, lost.end_ns, NULL);
  }
  note("stretch", held, got, watch.wall_ns, lock);
}

// What a culprit does while another waits for it: `made`, and where it was off the CPU meanwhile, `preempted`.
static inline void make(uint64_t ns) {
  uint64_t start = now_ns();
  compute(ns, "preempted");
  note("stretch", "made", start, now_ns(), NULL);
}

static void story_kernel(void) {} // the address that stands for the kernel, as a host stub does

static inline void launch(void) {
  cudaLaunchKernel((void *)story_kernel, (dim3){64, 1, 1}, (dim3){128, 1, 1}, NULL, 4096, story.stream);
}

static inline void story_open(int argc, char **argv) {
  static const struct option options[] = {{"duration", 1, 0, 'd'}, {"log", 1, 0, 'l'}, {"wait-start", 0, 0, 'w'},
                                          {"twin", 0, 0, 't'}, {"threads", 1, 0, 'n'}, {"variant", 1, 0, 'v'}, {0}};
  int option;
  story.duration = 2, story.threads = 4, story.variant = "";
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (option == 'd') story.duration = atof(optarg);
    else if (option == 'l') story.log = optarg;
    else if (option == 'w') story.waiting = 1;
    else if (option == 't') story.twin = 1;
    else if (option == 'n') story.threads = atoi(optarg);
    else if (option == 'v') story.variant = optarg;
    else fail("[--duration SECONDS] [--log FILE] [--wait-start] [--twin] [--threads N] [--variant WORD]");
  }
  if (story.duration <= 0 || story.duration > 600 || story.threads < 1 || story.threads > 64 || optind < argc)
    fail("--duration is up to 600 seconds, --threads up to 64");
  choose_cpus(&story.near_cpu, &story.engine_cpu);
  stand_out();
  expect_start();
  size_t bytes = MOST_ENTRIES * sizeof(struct entry) + sizeof *story.count;
  story.entries = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (story.entries == MAP_FAILED) fail("mmap: %s", strerror(errno));
  story.count = (void *)(story.entries + MOST_ENTRIES);
  cudaStreamCreate(&story.stream); // loads the driver, as a server's start does
}

// After whatever must be there before a capture begins.
static inline void story_begin(void) {
  if (story.waiting) wait_start();
  story.start_ns = now_ns(), story.end_ns = story.start_ns + (uint64_t)(story.duration * SECOND);
}

static inline int story_close(void) {
  unsigned count = atomic_load(story.count);
  for (unsigned i = 0; i < count; i++) {
    struct entry *e = &story.entries[i];
    log_line("{\"type\":\"%s\",\"word\":\"%s\",\"thread\":\"%s\",\"tid\":%d,\"object\":\"0x%llx\",\"start_ns\":%llu,"
             "\"end_ns\":%llu}",
             e->type, e->word, e->thread, e->tid, (unsigned long long)e->object, (unsigned long long)e->start_ns,
             (unsigned long long)e->end_ns);
  }
  char about[128];
  snprintf(about, sizeof about, "\"twin\":%s,\"start_ns\":%llu,\"end_ns\":%llu", story.twin ? "true" : "false",
           (unsigned long long)story.start_ns, (unsigned long long)now_ns());
  log_workload(about);
  write_log(story.log);
  return 0;
}

// Keeps its CPU busy, and notes when it had it.
__attribute__((noreturn)) static inline void spin_and_note(const char *word) {
  for (uint64_t from = now_ns(), last = from;;) {
    uint64_t at = now_ns();
    if (at - last > SHORTEST_OFF || at - from > 100 * MS) {
      if (last > from) note("stretch", word, from, last, NULL);
      from = at;
    }
    last = at;
  }
}

// A thread of the story, on a CPU of its own choice.
struct part { const char *name; int cpu; void (*body)(long); long number; };

static inline void *play(void *arg) {
  struct part part = *(struct part *)arg;
  free(arg);
  if (part.cpu >= 0) pin_to(part.cpu);
  log_thread(part.name);
  part.body(part.number);
  return NULL;
}

static inline pthread_t start_thread(const char *name, int cpu, void (*body)(long), long number) {
  struct part *part = malloc(sizeof *part);
  *part = (struct part){name, cpu, body, number};
  pthread_t thread;
  if (pthread_create(&thread, NULL, play, part)) fail("a thread cannot be made");
  return thread;
}

// A process of the story; it dies with this one.
static inline pid_t start_process(const char *name, int cpu, void (*body)(void)) {
  pid_t parent = getpid(), child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(0);
    prctl(PR_SET_NAME, name);
    pin_to(cpu);
    body();
    _exit(0);
  }
  if (child < 0) fail("fork: %s", strerror(errno));
  log_line("{\"type\":\"process\",\"name\":\"%s\",\"pid\":%d,\"cpu\":%d}", name, child, cpu);
  return child;
}

static inline void end_process(pid_t child) { kill(child, SIGKILL), waitpid(child, NULL, 0); }

static void (*story_step)(unsigned);

// Late for no reason of the story: the machine had no CPU for it, or a timer let it go late.
static inline void late_by_machine(uint64_t start) {
  if (!story_was_late) late_since(start, "machine", NULL);
  story_was_late = 0;
}

static inline void timed_launch(void) {
  uint64_t start = now_ns();
  launch();
  late_by_machine(start);
}

// Launches twice every half millisecond after a little work; `story_step` is what it may be late in. Alone before every
// ordinary thread of its CPU. Whatever else makes it late it logs as well: a delay `machine`, with when it had meant to
// sleep, and from when to when it should have run again and did not.
static inline void engine_first(long unused) {
  (void)unused;
  come_first();
  uint64_t next = now_ns(), back = next, woken = next; // `back`: it had made no call since
  for (unsigned i = 0; going(); i++) {
    work(MS / 10);
    if (now_ns() - back >= SHORTEST_DELAY) note("stretch", "machine/slept", back, next, NULL);
    if (woken > next + 4 * SHORTEST_OFF) note("queued", "machine", next, woken, NULL);
    late_by_machine(back);
    timed_launch();
    uint64_t start = now_ns();
    story_step(i); // a gap of its own, apart from the rest of the loop
    late_by_machine(start);
    timed_launch();
    back = now_ns();
    next += PERIOD;
    if (next < back) next = back;
    sleep_until(next);
    woken = now_ns();
  }
}

static inline void run_engine(void (*step)(unsigned)) {
  story_step = step;
  pthread_join(start_thread("engine", story.engine_cpu, engine_first, 0), NULL);
}

// An engine that never rests and is no better than others. What it computes between two launches is late when it had no
// CPU meanwhile: such a gap is a delay, `computing`, and in it the times without a CPU are `word`.
static inline void engine_equal(long word) {
  while (going()) {
    uint64_t start = now_ns();
    compute(MS / 2, (const char *)word);
    late_since(start, "computing", NULL);
    launch();
  }
}

static inline void run_equal_engine(int cpu, const char *word) {
  pthread_join(start_thread("engine", cpu, engine_equal, (long)word), NULL);
}
