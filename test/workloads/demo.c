// The story of the README. Thread `engine` launches a kernel every millisecond and shares a mutex with thread
// `tokenizer`, which now and then holds it while it computes. `tokenizer` is pinned to one CPU with process `spinner`,
// which never rests: so it is preempted while it holds the lock, and `engine`, alone on another CPU, waits for a thread
// that waits for a CPU. The lock is taken inside the launch (--variant call: a slow call) or before it (--variant gap).
//
// `tokenizer` reads both clocks all the while it computes: where wall time jumps, its CPU time does not, and it was
// switched out, it was off the CPU. Those stretches, the hold's wall minus CPU time, and its schedstat are three counts of the same thing.

#include "cuda.h"
#include "workload.h"
#include <getopt.h>

#define MAX_OFF 64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // the default kind, as any program has
static volatile int done;
static uint64_t start_ns, end_ns, hold_cpu_ns = 9 * MS, period_ns = 90 * MS;

static struct { uint64_t start_ns, end_ns, runqueue_ns; } waits[100000];
static unsigned wait_count;
static uint64_t acquisitions, short_waits_ns;

// `engine`: takes the lock, and remembers how long that took where it was more than a few system calls.
static void pass_lock(void *unused) {
  (void)unused;
  uint64_t queued = runqueue_ns(), asked = now_ns();
  pthread_mutex_lock(&lock);
  uint64_t got = now_ns();
  pthread_mutex_unlock(&lock);
  acquisitions++;
  if (got - asked < 20000 || wait_count == sizeof waits / sizeof *waits) {
    short_waits_ns += got - asked;
    return;
  }
  waits[wait_count].start_ns = asked, waits[wait_count].end_ns = got;
  waits[wait_count++].runqueue_ns = runqueue_ns() - queued;
}

// `idler`: waits for a word from `engine`, copies a little, waits again. Nobody ever holds anything that it wants.
static pthread_mutex_t idle_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t idle_wake = PTHREAD_COND_INITIALIZER;
static int idle_word, with_idler;

static void *idler(void *stream) {
  log_thread("idler");
  uint64_t copies = 0;
  pthread_mutex_lock(&idle_lock);
  for (;;) {
    while (!idle_word) pthread_cond_wait(&idle_wake, &idle_lock);
    if (idle_word < 0) break;
    idle_word = 0;
    pthread_mutex_unlock(&idle_lock);
    cudaMemcpyAsync((void *)0x200000001000, &copies, sizeof copies, cudaMemcpyHostToDevice, stream);
    copies++;
    pthread_mutex_lock(&idle_lock);
  }
  pthread_mutex_unlock(&idle_lock);
  log_calls("idler", "cudaMemcpyAsync", copies);
  return NULL;
}

static void tell_idler(int word) {
  pthread_mutex_lock(&idle_lock);
  idle_word = word;
  pthread_mutex_unlock(&idle_lock);
  pthread_cond_signal(&idle_wake);
}

struct engine { int cpu, in_call; cudaStream_t stream; };

static void decode_step(void) {} // the address that stands for the kernel, as a host stub does

static void *engine(void *arg) {
  struct engine *e = arg;
  pin_to(e->cpu);
  come_first();
  log_thread("engine");
  uint64_t launches = 0, queued = runqueue_ns();
  for (uint64_t next = now_ns(); now_ns() < end_ns; launches++) {
    work(MS / 5);
    if (!e->in_call) pass_lock(NULL);
    cudaLaunchKernel((void *)decode_step, (dim3){64, 2, 1}, (dim3){128, 1, 1}, NULL, 4096, e->stream);
    // Mostly every 10 ms, now and then after 60: so that some of the idler's gaps are long ones.
    if (with_idler && launches % 10 == 0 && launches % 160 < 110) tell_idler(1);
    next += MS;
    if (next < now_ns()) next = now_ns();
    sleep_until(next);
  }
  done = 1;
  queued = runqueue_ns() - queued;
  for (unsigned i = 0; i < wait_count; i++)
    log_line("{\"type\":\"wait\",\"thread\":\"engine\",\"tid\":%d,\"object\":\"%p\",\"start_ns\":%llu,\"end_ns\":%llu,"
             "\"runqueue_ns\":%llu}",
             gettid(), (void *)&lock, (unsigned long long)waits[i].start_ns, (unsigned long long)waits[i].end_ns,
             (unsigned long long)waits[i].runqueue_ns);
  log_line("{\"type\":\"sum\",\"thread\":\"engine\",\"tid\":%d,\"acquisitions\":%llu,\"waits\":%u,"
           "\"short_waits_ns\":%llu,\"runqueue_ns\":%llu}",
           gettid(), (unsigned long long)acquisitions, wait_count, (unsigned long long)short_waits_ns,
           (unsigned long long)queued);
  log_calls("engine", "cudaLaunchKernel", launches);
  return NULL;
}

// One hold: computes for `hold_cpu_ns` of its own CPU time with the lock, and notes when it was off the CPU, from the
// moment it has the lock until it has let the next one in: preempted inside the unlock, it still keeps them waiting.
static void hold(void) {
  struct { uint64_t start_ns, end_ns; } off[MAX_OFF];
  unsigned offs = 0;
  uint64_t asked = now_ns();
  pthread_mutex_lock(&lock);
  struct watch watch = watch_begin();
  struct lost lost;
  uint64_t got = watch.wall_ns, cpu = watch.cpu_ns, queued = runqueue_ns();
  for (int held = 1; held;) {
    held = watch.cpu_ns < cpu + hold_cpu_ns;
    if (!held) queued = runqueue_ns() - queued, pthread_mutex_unlock(&lock);
    if (watch_lost(&watch, &lost) && lost.switched && offs < MAX_OFF)
      off[offs].start_ns = lost.start_ns, off[offs++].end_ns = lost.end_ns;
  }
  cpu = watch.cpu_ns - cpu;
  uint64_t released = watch.wall_ns;

  char list[MAX_OFF * 48 + 3] = "[";
  for (unsigned i = 0, at = 1; i < offs; i++)
    at += (unsigned)sprintf(list + at, "%s[%llu,%llu]", i ? "," : "", (unsigned long long)off[i].start_ns,
                            (unsigned long long)off[i].end_ns);
  strcat(list, "]");
  log_line("{\"type\":\"hold\",\"thread\":\"tokenizer\",\"tid\":%d,\"object\":\"%p\",\"asked_ns\":%llu,\"start_ns\":%llu,"
           "\"end_ns\":%llu,\"cpu_ns\":%llu,\"runqueue_ns\":%llu,\"off\":%s}",
           gettid(), (void *)&lock, (unsigned long long)asked, (unsigned long long)got, (unsigned long long)released,
           (unsigned long long)cpu, (unsigned long long)queued, list);
}

static void *tokenizer(void *arg) {
  pin_to(*(int *)arg);
  log_thread("tokenizer");
  for (uint64_t next = start_ns + period_ns / 3; !done; next += period_ns) {
    sleep_until(next);
    if (!done) hold();
    if (next + period_ns < now_ns()) next = now_ns();
  }
  return NULL;
}

static const char usage[] =
    "demo [--variant call|gap] [--duration SECONDS] [--log FILE] [--wait-start] [--no-spinner] [--idle-worker]\n"
    "     [--hold-ms MS] [--period-ms MS]      (test/workloads/README.md)\n";

int main(int argc, char **argv) {
  double duration = 2;
  int spinning = 1, waiting = 0, in_call = 1, option;
  const char *log = NULL;
  static const struct option options[] = {
      {"variant", 1, 0, 'v'},     {"duration", 1, 0, 'd'},  {"log", 1, 0, 'l'},     {"wait-start", 0, 0, 'w'},
      {"no-spinner", 0, 0, 's'},  {"idle-worker", 0, 0, 'i'}, {"hold-ms", 1, 0, 'h'}, {"period-ms", 1, 0, 'p'}, {0}};
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (option == 'v' && strcmp(optarg, "call") && strcmp(optarg, "gap")) fail("--variant is call or gap\n%s", usage);
    if (option == 'v') in_call = !strcmp(optarg, "call");
    else if (option == 'd') duration = atof(optarg);
    else if (option == 'l') log = optarg;
    else if (option == 'w') waiting = 1;
    else if (option == 's') spinning = 0;
    else if (option == 'i') with_idler = 1;
    else if (option == 'h') hold_cpu_ns = (uint64_t)(atof(optarg) * MS);
    else if (option == 'p') period_ns = (uint64_t)(atof(optarg) * MS);
    else fail("\n%s", usage);
  }
  if (duration <= 0 || duration > 600 || !hold_cpu_ns || !period_ns || optind < argc) fail("\n%s", usage);

  int shared_cpu, engine_cpu;
  choose_cpus(&shared_cpu, &engine_cpu);
  struct engine e = {engine_cpu, in_call, NULL};
  stand_out();
  expect_start();
  cudaStreamCreate(&e.stream); // loads the driver, as a server's start does
  if (in_call) fakecuda_set_hook("cuLaunchKernel", pass_lock, NULL);
  if (waiting) wait_start();

  start_ns = now_ns(), end_ns = start_ns + (uint64_t)(duration * SECOND);
  pid_t spinner = spinning ? start_beside("", "spinner", shared_cpu) : 0;
  pthread_t threads[3];
  pthread_create(&threads[0], NULL, tokenizer, &shared_cpu);
  if (with_idler) pthread_create(&threads[2], NULL, idler, e.stream);
  pthread_create(&threads[1], NULL, engine, &e);
  pthread_join(threads[1], NULL);
  pthread_join(threads[0], NULL);
  if (with_idler) tell_idler(-1), pthread_join(threads[2], NULL);
  if (spinner) kill(spinner, SIGKILL), waitpid(spinner, NULL, 0);

  char about[256];
  snprintf(about, sizeof about,
           "\"variant\":\"%s\",\"spinner\":%s,\"idle_worker\":%s,\"start_ns\":%llu,\"end_ns\":%llu,\"engine_cpu\":%d,"
           "\"tokenizer_cpu\":%d",
           in_call ? "call" : "gap", spinning ? "true" : "false", with_idler ? "true" : "false",
           (unsigned long long)start_ns, (unsigned long long)now_ns(), engine_cpu, shared_cpu);
  log_workload(about);
  write_log(log);
  return 0;
}
