// Every way to wait, one after the other, each for 5 ms and on purpose, with what was waited on in the log.
//   waits --folder FOLDER [--cpu-group FOLDER] [--log FILE] [--wait-start]
//
// The main thread waits; a helper named after the case ends its wait. Each case is one line of the log: its name, the
// waiting thread, when it asked and when it went on, the helper, and what the trace should say of the object.

#include "workload.h"
#include <arpa/inet.h>
#include <getopt.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#define WAIT_NS (5 * MS)
#define LONG_SECONDS 30
#define SYS_FUTEX_WAITV 449

struct waiter { // struct futex_waitv
  uint64_t value, address;
  uint32_t flags, reserved;
};

// The helper: after 5 ms it does `act`, and is gone.
struct helper {
  void (*act)(void *);
  void *with;
  const char *name;
  pthread_t thread;
  _Atomic int tid;
};

static void *help(void *given) {
  struct helper *helper = given;
  pthread_setname_np(pthread_self(), helper->name);
  helper->tid = gettid();
  sleep_until(now_ns() + WAIT_NS);
  if (helper->act) helper->act(helper->with);
  return NULL;
}

static struct helper helper;

static void start_helper(const char *name, void (*act)(void *), void *with) {
  helper = (struct helper){.act = act, .with = with, .name = name};
  if (pthread_create(&helper.thread, NULL, help, &helper)) fail("no thread for %s", name);
  while (!helper.tid) sched_yield();
}

static uint64_t asked_ns;

static void begin(void) { asked_ns = now_ns(); }

// What follows the common fields is JSON: `object`, an address or inode; `name`; `timeout_ns`.
__attribute__((format(printf, 3, 4))) static void end(const char *name, int tid, const char *format, ...) {
  uint64_t now = now_ns();
  char more[600] = "";
  va_list args;
  va_start(args, format);
  vsnprintf(more, sizeof more, format, args);
  va_end(args);
  log_line("{\"type\":\"case\",\"case\":\"%s\",\"tid\":%d,\"start_ns\":%llu,\"end_ns\":%llu,\"helper\":%d%s%s}", name, tid,
           (unsigned long long)asked_ns, (unsigned long long)now, (int)helper.tid, *more ? "," : "", more);
  if (helper.thread) pthread_join(helper.thread, NULL);
  helper = (struct helper){0};
}

static unsigned long long inode(int fd) {
  struct stat stat;
  if (fstat(fd, &stat)) fail("fstat: %s", strerror(errno));
  return stat.st_ino;
}

static void write_byte(void *fd) {
  uint64_t one = 1; // eight bytes: an eventfd takes no less
  if (write(*(int *)fd, &one, sizeof one) < 0) fail("write: %s", strerror(errno));
}

static void read_byte(int fd) {
  uint64_t byte;
  if (read(fd, &byte, sizeof byte) <= 0) fail("read: %s", strerror(errno));
}

// ---- time --------------------------------------------------------------------------------------------------------------

static void time_cases(void) {
  struct timespec length = {0, WAIT_NS};
  begin();
  clock_nanosleep(CLOCK_MONOTONIC, 0, &length, NULL);
  end("sleep", gettid(), "\"timeout_ns\":%llu", WAIT_NS);

  uint64_t until = clock_ns(CLOCK_REALTIME) + WAIT_NS;
  struct timespec moment = {(time_t)(until / SECOND), (long)(until % SECOND)};
  begin();
  clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &moment, NULL);
  end("sleep_until", gettid(), "\"timeout_ns\":%llu", WAIT_NS);

  begin();
  poll(NULL, 0, 5);
  end("poll_timeout", gettid(), "\"timeout_ns\":%llu", WAIT_NS);

  struct timeval five = {0, 5000};
  begin();
  select(0, NULL, NULL, NULL, &five);
  end("select_timeout", gettid(), "\"timeout_ns\":%llu", WAIT_NS);

  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  timerfd_settime(timer, 0, &(struct itimerspec){.it_value = length}, NULL);
  begin();
  read_byte(timer);
  end("timerfd", gettid(), "\"name\":\"timerfd, descriptor %d\"", timer);
  close(timer);
}

// ---- descriptors -------------------------------------------------------------------------------------------------------

static unsigned eventfd_id(int fd) {
  char path[64], text[512] = "";
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
  int info = open(path, O_RDONLY | O_CLOEXEC);
  if (read(info, text, sizeof text - 1) <= 0) fail("%s: %s", path, strerror(errno));
  close(info);
  char *at = strstr(text, "eventfd-id:");
  return at ? (unsigned)strtoul(at + strlen("eventfd-id:"), NULL, 10) : 0;
}

static void descriptor_cases(void) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC)) fail("pipe: %s", strerror(errno));
  start_helper("h-pipe", write_byte, &ends[1]);
  begin();
  read_byte(ends[0]);
  end("pipe", gettid(), "\"object\":%llu", inode(ends[0]));

  struct pollfd one = {.fd = ends[0], .events = POLLIN};
  start_helper("h-poll", write_byte, &ends[1]);
  begin();
  poll(&one, 1, LONG_SECONDS * 1000);
  end("poll_pipe", gettid(), "\"object\":%llu,\"timeout_ns\":%llu", inode(ends[0]), LONG_SECONDS * SECOND);

  int event = eventfd(0, EFD_CLOEXEC);
  start_helper("h-eventfd", write_byte, &event);
  begin();
  read_byte(event);
  end("eventfd", gettid(), "\"name\":\"eventfd %u\"", eventfd_id(event));

  int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event got = {.events = EPOLLIN};
  epoll_ctl(epoll, EPOLL_CTL_ADD, event, &got);
  start_helper("h-epoll", write_byte, &event);
  begin();
  epoll_wait(epoll, &got, 1, LONG_SECONDS * 1000);
  end("epoll", gettid(), "\"name\":\"descriptor %d\",\"timeout_ns\":%llu", epoll, LONG_SECONDS * SECOND);

  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) fail("socketpair: %s", strerror(errno));
  start_helper("h-unix", write_byte, &pair[1]);
  begin();
  read_byte(pair[0]);
  end("unix", gettid(), "\"object\":%llu,\"name\":\"unix (peer %llu)\"", inode(pair[0]), inode(pair[1]));
}

static struct sockaddr_in bound_to(int fd) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t bytes = sizeof address;
  if (bind(fd, (struct sockaddr *)&address, bytes) || getsockname(fd, (struct sockaddr *)&address, &bytes))
    fail("no port on the loopback: %s", strerror(errno));
  return address;
}

static void network_cases(void) {
  int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in there = bound_to(server), here = bound_to(client);
  listen(server, 1);
  if (connect(client, (struct sockaddr *)&there, sizeof there)) fail("connect: %s", strerror(errno));
  int accepted = accept4(server, NULL, NULL, SOCK_CLOEXEC);
  start_helper("h-tcp", write_byte, &client);
  begin();
  read_byte(accepted);
  end("tcp", gettid(), "\"object\":%llu,\"name\":\"tcp 127.0.0.1:%d -> 127.0.0.1:%d\"", inode(accepted),
      ntohs(there.sin_port), ntohs(here.sin_port));

  int to = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), from = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in at = bound_to(to);
  if (connect(from, (struct sockaddr *)&at, sizeof at)) fail("connect: %s", strerror(errno));
  start_helper("h-udp", write_byte, &from);
  begin();
  read_byte(to);
  end("udp", gettid(), "\"object\":%llu,\"name\":\"udp 127.0.0.1:%d\"", inode(to), ntohs(at.sin_port));
}

// Asleep since before the start: a thread that is ended on the way.
static int before_ends[2];
static struct {
  pthread_t thread;
  _Atomic int tid;
  uint64_t asked_ns;
} before;

static void *sleep_before(void *unused) {
  (void)unused;
  pthread_setname_np(pthread_self(), "h-before");
  before.asked_ns = now_ns();
  before.tid = gettid();
  read_byte(before_ends[0]);
  return NULL;
}

static void start_before(void) {
  if (pipe2(before_ends, O_CLOEXEC)) fail("pipe: %s", strerror(errno));
  if (pthread_create(&before.thread, NULL, sleep_before, NULL)) fail("no thread");
}

static void before_case(void) {
  start_helper("h-ender", write_byte, &before_ends[1]);
  pthread_join(before.thread, NULL);
  asked_ns = before.asked_ns;
  end("slept_before", before.tid, "\"object\":%llu", inode(before_ends[0]));
}

// ---- futexes -----------------------------------------------------------------------------------------------------------

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, pi_mutex;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t semaphore;
static _Atomic uint32_t words[2];
static _Atomic int is_held;

// A helper that holds a lock from before the wait until 5 ms later.
static void *hold_mutex(void *lock) {
  pthread_setname_np(pthread_self(), "h-holder");
  helper.tid = gettid();
  pthread_mutex_lock(lock);
  is_held = 1;
  sleep_until(now_ns() + WAIT_NS);
  pthread_mutex_unlock(lock);
  return NULL;
}
static void *hold_rwlock(void *lock) {
  pthread_setname_np(pthread_self(), "h-reader");
  helper.tid = gettid();
  pthread_rwlock_rdlock(lock);
  is_held = 1;
  sleep_until(now_ns() + WAIT_NS);
  pthread_rwlock_unlock(lock);
  return NULL;
}
static void hold(void *(*holder)(void *), void *lock) {
  is_held = 0;
  pthread_create(&helper.thread, NULL, holder, lock);
  while (!is_held) sched_yield();
  begin();
}

static void signal_condition(void *unused) {
  (void)unused;
  pthread_cond_signal(&condition);
}
static void post(void *unused) {
  (void)unused;
  sem_post(&semaphore);
}
static void wake_word(void *word) {
  *(_Atomic uint32_t *)word = 1;
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

#define ADDRESS(of) (unsigned long long)(uintptr_t)(of)

static void futex_cases(void) {
  hold(hold_mutex, &mutex);
  pthread_mutex_lock(&mutex);
  end("mutex", gettid(), "\"object\":%llu,\"name\":\"mutex\"", ADDRESS(&mutex));
  pthread_mutex_unlock(&mutex);

  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  pthread_mutex_init(&pi_mutex, &attributes);
  hold(hold_mutex, &pi_mutex);
  pthread_mutex_lock(&pi_mutex);
  end("pi_mutex", gettid(), "\"object\":%llu,\"name\":\"pi_mutex\"", ADDRESS(&pi_mutex));
  pthread_mutex_unlock(&pi_mutex);

  hold(hold_rwlock, &rwlock);
  pthread_rwlock_wrlock(&rwlock);
  end("rwlock", gettid(), "\"variable\":\"rwlock\",\"within\":[%llu,%zu]", ADDRESS(&rwlock), sizeof rwlock);
  pthread_rwlock_unlock(&rwlock);

  struct timespec until;
  pthread_mutex_lock(&mutex);
  start_helper("h-condition", signal_condition, NULL);
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += LONG_SECONDS;
  begin();
  pthread_cond_timedwait(&condition, &mutex, &until);
  end("condition", gettid(), "\"variable\":\"condition\",\"within\":[%llu,%zu],\"timeout_ns\":%llu", ADDRESS(&condition), sizeof condition,
      LONG_SECONDS * SECOND);
  pthread_mutex_unlock(&mutex);

  sem_init(&semaphore, 0, 0);
  start_helper("h-semaphore", post, NULL);
  begin();
  sem_wait(&semaphore);
  end("semaphore", gettid(), "\"variable\":\"semaphore\",\"within\":[%llu,%zu]", ADDRESS(&semaphore), sizeof semaphore);

  start_helper("h-join", NULL, NULL);
  int joined = helper.tid;
  begin();
  pthread_join(helper.thread, NULL);
  helper.thread = 0;
  end("join", gettid(), "\"name\":\"end of h-join (%d)\"", joined);

  struct waiter waiters[2] = {{0, ADDRESS(&words[0]), 2 | 128, 0}, {0, ADDRESS(&words[1]), 2 | 128, 0}};
  struct timespec moment;
  start_helper("h-waitv", wake_word, &words[1]);
  clock_gettime(CLOCK_MONOTONIC, &moment);
  moment.tv_sec += LONG_SECONDS;
  begin();
  long got = syscall(SYS_FUTEX_WAITV, waiters, 2, 0, &moment, CLOCK_MONOTONIC);
  if (got >= 0) end("futex_waitv", gettid(), "\"object\":%llu,\"timeout_ns\":%llu", ADDRESS(&words[0]), LONG_SECONDS * SECOND);
  else if (errno == ENOSYS) pthread_join(helper.thread, NULL), helper = (struct helper){0};
  else fail("futex_waitv: %s", strerror(errno));
}

// ---- processes ---------------------------------------------------------------------------------------------------------

static void child_cases(void) {
  begin();
  pid_t child = fork();
  if (!child) {
    sleep_until(now_ns() + WAIT_NS);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  end("child", gettid(), "\"child\":%d", child);

  child = fork();
  if (!child) {
    raise(SIGSTOP);
    _exit(0);
  }
  int status;
  waitpid(child, &status, WUNTRACED);
  begin();
  sleep_until(now_ns() + WAIT_NS);
  kill(child, SIGCONT);
  waitpid(child, NULL, 0);
  end("stopped", child, "\"waker\":%d", gettid());
}

// Whoever starts a program by vfork() waits until the child runs it, or is gone.
static void vfork_case(void) {
  begin();
  pid_t child = vfork();
  if (!child) {
    sleep_until(now_ns() + WAIT_NS);
    _exit(0);
  }
  end("vfork", gettid(), "\"child\":%d", child);
  waitpid(child, NULL, 0);
}

static void interrupt_waiter(void *pid) { kill(*(pid_t *)pid, SIGUSR1); }

static void signal_case(void) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &signals, NULL);
  pid_t own = getpid();
  start_helper("h-signal", interrupt_waiter, &own);
  begin();
  int got;
  sigwait(&signals, &got);
  end("signal", gettid(), "\"signal\":%d", got);
}

// Until every CPU has scheduled, and not to be interrupted: the kernel's own work ends it.
static void uninterruptible_case(void) {
  begin();
  for (int i = 0; i < 4; i++)
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0)) return; // the kernel may lack it
  end("uninterruptible", gettid(), "\"calls\":4");
}

// ---- memory and disk ---------------------------------------------------------------------------------------------------

static void resolve_fault(void *given) {
  struct uffd_msg message;
  int faults = *(int *)given;
  if (read(faults, &message, sizeof message) != sizeof message) fail("userfaultfd: %s", strerror(errno));
  struct uffdio_zeropage page = {.range = {message.arg.pagefault.address & ~4095ull, 4096}};
  if (ioctl(faults, UFFDIO_ZEROPAGE, &page)) fail("UFFDIO_ZEROPAGE: %s", strerror(errno));
}

static void page_fault_case(void) {
  int faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
  if (faults < 0) return; // not built in, or not allowed: the case is not in the log
  struct uffdio_api api = {.api = UFFD_API};
  char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct uffdio_register range = {.range = {ADDRESS(page), 4096}, .mode = UFFDIO_REGISTER_MODE_MISSING};
  if (ioctl(faults, UFFDIO_API, &api) || ioctl(faults, UFFDIO_REGISTER, &range)) fail("userfaultfd: %s", strerror(errno));
  start_helper("h-fault", resolve_fault, &faults);
  begin();
  *(volatile char *)page = 1;
  end("page_fault", gettid(), "\"address\":%llu", ADDRESS(page));
  munmap(page, 4096);
  close(faults);
}

static void disk_case(const char *folder) {
  char path[400];
  size_t bytes = 8 << 20;
  void *block;
  snprintf(path, sizeof path, "%s/on disk.bin", folder);
  if (posix_memalign(&block, 4096, bytes)) fail("no memory");
  memset(block, 7, bytes);
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0600);
  if (fd < 0) return; // a file system without direct access: the case is not in the log
  if (write(fd, block, bytes) != (ssize_t)bytes || fsync(fd)) fail("%s: %s", path, strerror(errno));
  begin();
  for (int i = 0; i < 4; i++)
    if (pread(fd, block, bytes, 0) != (ssize_t)bytes) fail("%s: %s", path, strerror(errno));
  end("disk", gettid(), "\"object\":%llu,\"name\":\"%s\",\"bytes\":%zu", inode(fd), path, 4 * bytes);
  close(fd);
  free(block);
}

#define MUCH (192u << 20)

// Copying a large address space holds its lock: fork() in one thread, mmap() in another.
static void *fork_now(void *unused) {
  (void)unused;
  pthread_setname_np(pthread_self(), "h-fork");
  helper.tid = gettid();
  for (int i = 0; i < 4; i++) {
    pid_t child = fork();
    if (!child) _exit(0);
    waitpid(child, NULL, 0);
  }
  is_held = 0;
  return NULL;
}

static void kernel_lock_case(void) {
  char *much = mmap(NULL, MUCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (much == MAP_FAILED) fail("no memory");
  madvise(much, MUCH, MADV_NOHUGEPAGE);
  for (size_t i = 0; i < MUCH; i += 4096) much[i] = 1;
  is_held = 1;
  begin();
  pthread_create(&helper.thread, NULL, fork_now, NULL);
  while (is_held) {
    void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || munmap(page, 4096)) fail("mmap: %s", strerror(errno));
  }
  end("kernel_lock", gettid(), "\"name\":\"mmap lock of waits\"");
  munmap(much, MUCH);
}

// What was written waits for the journal's own thread, where the file system has one.
static void sync_case(const char *folder) {
  char path[400];
  snprintf(path, sizeof path, "%s/synced.bin", folder);
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) fail("%s: %s", path, strerror(errno));
  begin();
  for (int i = 0; i < 4; i++) {
    if (pwrite(fd, path, sizeof path, (off_t)i * 4096) != sizeof path || fsync(fd)) fail("%s: %s", path, strerror(errno));
  }
  end("sync", gettid(), "\"object\":%llu,\"name\":\"%s\"", inode(fd), path);
  close(fd);
}

// ---- the CPU -----------------------------------------------------------------------------------------------------------

static void *yield_too(void *cpu) {
  pin_to(*(int *)cpu);
  pthread_setname_np(pthread_self(), "h-yield");
  helper.tid = gettid();
  while (is_held) sched_yield();
  return NULL;
}

static void yield_case(void) {
  int first, last;
  choose_cpus(&first, &last);
  is_held = 1;
  pin_to(last);
  pthread_create(&helper.thread, NULL, yield_too, &last);
  while (!helper.tid) sched_yield();
  begin();
  for (uint64_t until = now_ns() + WAIT_NS; now_ns() < until;) sched_yield();
  is_held = 0;
  end("yield", gettid(), "\"cpu\":%d", last);
}

// Two that never sleep, on one CPU.
static void *spin_too(void *cpu) {
  pin_to(*(int *)cpu);
  pthread_setname_np(pthread_self(), "h-spin");
  helper.tid = gettid();
  while (is_held) {
  }
  return NULL;
}

static void preempted_case(void) {
  int first, last;
  choose_cpus(&first, &last); // that of yield_case: pinned already
  is_held = 1;
  pthread_create(&helper.thread, NULL, spin_too, &last);
  while (!helper.tid) sched_yield();
  begin();
  uint64_t cpu = cpu_ns();
  for (uint64_t until = now_ns() + 40 * MS; now_ns() < until;) {
  }
  cpu = cpu_ns() - cpu;
  is_held = 0;
  end("preempted", gettid(), "\"cpu\":%d,\"cpu_ns\":%llu", last, (unsigned long long)cpu);
}

// A child in a control group that may have a part of a CPU only, and wants all of it.
static void throttled_case(const char *group) {
  char path[400], text[32];
  snprintf(path, sizeof path, "%s/cgroup.procs", group);
  begin();
  pid_t child = fork();
  if (!child) {
    int procs = open(path, O_WRONLY | O_CLOEXEC), bytes = snprintf(text, sizeof text, "%d", getpid());
    if (procs < 0 || write(procs, text, (size_t)bytes) != bytes) _exit(1);
    for (uint64_t until = cpu_ns() + 40 * MS; cpu_ns() < until;) {
    }
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  if (status) fail("%s does not take a process", path);
  end("throttled", child, "\"group\":\"%s\"", group);
}

int main(int argc, char **argv) {
  const char *log = NULL, *folder = NULL, *cpu_group = NULL;
  int waiting = 0, option;
  static const struct option options[] = {{"log", 1, 0, 'l'}, {"folder", 1, 0, 'f'},
                                         {"cpu-group", 1, 0, 'g'}, {"wait-start", 0, 0, 'w'}, {0}};
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (option == 'l') log = optarg;
    else if (option == 'f') folder = optarg;
    else if (option == 'g') cpu_group = optarg;
    else if (option == 'w') waiting = 1;
    else fail("waits --folder FOLDER [--cpu-group FOLDER] [--log FILE] [--wait-start]");
  }
  if (!folder) fail("--folder: where may a file be written and read?");
  start_before();
  expect_start();
  if (waiting) wait_start();
  uint64_t start = now_ns();
  before_case();
  time_cases();
  descriptor_cases();
  network_cases();
  futex_cases();
  child_cases();
  vfork_case();
  signal_case();
  uninterruptible_case();
  page_fault_case();
  disk_case(folder);
  sync_case(folder);
  kernel_lock_case();
  yield_case();
  preempted_case();
  if (cpu_group) throttled_case(cpu_group);
  char more[100];
  snprintf(more, sizeof more, "\"start_ns\":%llu,\"end_ns\":%llu", (unsigned long long)start, (unsigned long long)now_ns());
  log_workload(more);
  write_log(log);
  return 0;
}
