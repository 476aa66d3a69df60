// What every workload shares: clocks, a log of its own truth, a start that waits until a capture is attached.
//
// Truth is kept in memory and written when the work is over, so that logging disturbs nothing. Times are
// CLOCK_MONOTONIC, nanoseconds; a thread's time on the CPU is CLOCK_THREAD_CPUTIME_ID, its wait for one field 2 of
// /proc/thread-self/schedstat.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000ull
#define SECOND 1000000000ull

static inline uint64_t clock_ns(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}
static inline uint64_t now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }
static inline uint64_t cpu_ns(void) { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }

static inline void sleep_until(uint64_t ns) {
  struct timespec t = {(time_t)(ns / SECOND), (long)(ns % SECOND)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {
  }
}

__attribute__((noreturn, format(printf, 1, 2))) static inline void fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fputs(program_invocation_short_name, stderr);
  fputs(": ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  exit(2);
}

// The run-queue wait of the calling thread so far. The descriptor belongs to the thread that opened it.
static inline uint64_t runqueue_ns(void) {
  static _Thread_local int fd = -1;
  char text[96] = "";
  unsigned long long on_cpu, waited;
  if (fd < 0) fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  if (pread(fd, text, sizeof text - 1, 0) <= 0 || sscanf(text, "%llu %llu", &on_cpu, &waited) != 2)
    fail("schedstat cannot be read: %s", strerror(errno));
  return waited;
}

// How often the calling thread has left its CPU. On a virtual machine wall time also jumps where the host took the CPU
// away, and the thread's own clock does not: that is no switch.
static inline uint64_t switches(void) {
  struct rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  return (uint64_t)usage.ru_nvcsw + (uint64_t)usage.ru_nivcsw;
}

static inline void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set)) fail("cannot run on CPU %d: %s", cpu, strerror(errno));
}

// The two CPUs that a story is told on: the first and the last this process may use.
static inline void choose_cpus(int *first, int *last) {
  cpu_set_t set;
  sched_getaffinity(0, sizeof set, &set);
  *first = *last = -1;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET(cpu, &set)) *last = cpu, *first = *first < 0 ? cpu : *first;
}

// Other load of the machine shall not tell a story of its own: a session of its own is one group to the scheduler, with
// a weight of its own, in which the threads of a story are equals; its `engine` comes before every ordinary thread. Only
// root may ask for that; without it a workload runs as it is.
static inline void stand_out(void) {
  setsid();
  int fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
  if (fd >= 0 && write(fd, "-19", 3) < 0 && errno != EPERM && errno != EINVAL) perror("/proc/self/autogroup");
  if (fd >= 0) close(fd);
}
static inline void come_first(void) { sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1}); }

// Two clocks read in a row: where wall time jumps between two readings and CPU time does not, the thread was off the CPU
// (`switched`), or the host or an interrupt had taken it.
#define SHORTEST_OFF 50000
struct watch { uint64_t wall_ns, cpu_ns, switches; };
struct lost { uint64_t start_ns, end_ns; int switched; };

static inline struct watch watch_begin(void) { return (struct watch){now_ns(), cpu_ns(), switches()}; }

// Whether time was lost since the reading before, more than `SHORTEST_OFF`.
static inline int watch_lost(struct watch *watch, struct lost *lost) {
  uint64_t wall = now_ns(), cpu = cpu_ns(), before = watch->wall_ns, used = cpu - watch->cpu_ns;
  watch->wall_ns = wall, watch->cpu_ns = cpu;
  if (wall - before < used + SHORTEST_OFF) return 0;
  uint64_t count = switches();
  *lost = (struct lost){before + used, wall, count > watch->switches};
  // Nothing was lost while it was counted; else the next reading would find a switch that is already known.
  watch->switches = now_ns() - wall < SHORTEST_OFF ? count : count - 1;
  return 1;
}

// Computes for `ns` of CPU time.
static inline void work(uint64_t ns) {
  for (uint64_t end = cpu_ns() + ns; cpu_ns() < end;) {
  }
}

// Log: one JSON object a line, see README.md. ---------------------------------------------------------------------------

static char *log_text;
static size_t log_used, log_size;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((format(printf, 1, 2))) static inline void log_line(const char *format, ...) {
  char line[8192];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  if (length < 0 || (size_t)length >= sizeof line) fail("a line of the log is too long");
  pthread_mutex_lock(&log_lock);
  if (log_used + (size_t)length + 2 > log_size) {
    log_size = log_size ? log_size * 2 : 1 << 20;
    log_text = realloc(log_text, log_size);
    if (!log_text) fail("no memory for the log");
  }
  memcpy(log_text + log_used, line, (size_t)length);
  log_text[log_used + (size_t)length] = '\n';
  log_used += (size_t)length + 1;
  pthread_mutex_unlock(&log_lock);
}

static inline void write_log(const char *path) {
  FILE *file = path ? fopen(path, "w") : stdout;
  if (!file || fwrite(log_text, 1, log_used, file) != log_used || (path && fclose(file)))
    fail("the log %s cannot be written: %s", path ? path : "(standard output)", strerror(errno));
}

// Both clocks at one moment: what turns these times into those of a trace, which begin at meta.start_unix_ns. Of several
// readings the quickest counts: whoever is interrupted between the two clocks is wrong by as much.
static inline void log_workload(const char *options) {
  uint64_t before = 0, real = 0, after = UINT64_MAX;
  for (int i = 0; i < 8; i++) {
    uint64_t first = now_ns(), between = clock_ns(CLOCK_REALTIME), last = now_ns();
    if (last - first >= after - before) continue;
    before = first, real = between, after = last;
  }
  log_line("{\"type\":\"workload\",\"name\":\"%s\",\"pid\":%d,\"monotonic_ns\":%llu,\"realtime_ns\":\"%llu\",%s}",
           program_invocation_short_name, getpid(), (unsigned long long)(before + (after - before) / 2),
           (unsigned long long)real, options);
}

static inline void log_thread(const char *name) {
  pthread_setname_np(pthread_self(), name);
  log_line("{\"type\":\"thread\",\"name\":\"%s\",\"pid\":%d,\"tid\":%d,\"born_ns\":%llu}", name, getpid(), gettid(),
           (unsigned long long)now_ns());
}

static inline void log_calls(const char *thread, const char *function, uint64_t count) {
  log_line("{\"type\":\"calls\",\"thread\":\"%s\",\"tid\":%d,\"function\":\"%s\",\"count\":%llu}", thread, gettid(),
           function, (unsigned long long)count);
}

// Says "ready PID" on standard output and waits for a line on standard input or SIGUSR1, at most a minute. Call
// `expect_start` before any thread is made, so that all of them inherit the blocked signal.
static inline void expect_start(void) {
  sigset_t usr1;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &usr1, NULL);
}

static inline void wait_start(void) {
  sigset_t usr1;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  int signals = signalfd(-1, &usr1, SFD_CLOEXEC);
  printf("ready %d\n", getpid());
  fflush(stdout);
  struct pollfd from[2] = {{.fd = signals, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
  for (;;) {
    int got = poll(from, 2, 60000);
    if (got == 0) fail("nothing said to start within a minute (a line on standard input, or SIGUSR1)");
    if (from[0].revents) break;
    if (from[1].revents) {
      char line[64];
      if (read(STDIN_FILENO, line, sizeof line) > 0) break;
      from[1].fd = -1; // standard input is closed: only the signal is left
    }
  }
  close(signals);
}

// A program that lies in the folder `up` from this one, with a CPU as its argument; it dies with this one.
static inline pid_t start_beside(const char *up, const char *name, int cpu) {
  char path[4096] = "", number[16];
  if (readlink("/proc/self/exe", path, sizeof path - 64) < 0) fail("/proc/self/exe cannot be read");
  dirname(path);
  strcat(strcat(strcat(path, "/"), up), name);
  snprintf(number, sizeof number, "%d", cpu);
  pid_t parent = getpid(), child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(0);
    execl(path, name, number, (char *)NULL);
    _exit(127);
  }
  if (child < 0) fail("fork: %s", strerror(errno));
  log_line("{\"type\":\"process\",\"name\":\"%s\",\"pid\":%d,\"cpu\":%d}", name, child, cpu);
  return child;
}
