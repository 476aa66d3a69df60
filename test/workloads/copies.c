// Makes a known number of CUDA calls through each of several copies of the runtime, as programs come by them: libraries of
// any name, one that is deleted once it is loaded, one that a framework's library or this very program has linked in.
//   copies [--library FILE]... [--early] [--remove] [--pause-ms 300] [--calls 100] [--gap-us 0] [--fork] [--exec]
//          [--log FILE] [--wait-start]
// --exec: a child that runs this program anew, with the first library alone. A library that has copies_use() makes the
// calls itself; compiled with -DLIBRARY, this file is all there is to such a one.

#include "workload.h"
#include "cuda.h"

#define BYTES 4096
__attribute__((weak)) int cudaMalloc(void **pointer, size_t bytes);
__attribute__((weak)) int cudaFree(void *pointer);

typedef int (*allocate)(void **, size_t);
typedef int (*release)(void *);
typedef int (*use)(int calls, int gap_us, uint64_t *at_ns);

static int make_calls(allocate malloc_, release free_, int calls, int gap_us, uint64_t *at_ns) {
  for (int i = 0; i < calls; i++) {
    void *pointer;
    if (at_ns) at_ns[i] = now_ns();
    if (malloc_(&pointer, BYTES) || free_(pointer)) return 1;
    if (gap_us) usleep(gap_us);
  }
  return 0;
}

__attribute__((visibility("default"))) int copies_use(int calls, int gap_us, uint64_t *at_ns) {
  return make_calls(cudaMalloc, cudaFree, calls, gap_us, at_ns);
}

#ifndef LIBRARY
#include <dlfcn.h>
#include <getopt.h>
#include <sys/wait.h>

#define LIBRARIES 4
#define CALLS 10000

static const char *paths[LIBRARIES];
static void *handles[LIBRARIES];
static int libraries, calls = 100, gap_us, pause_ms = 300;
static uint64_t at_ns[CALLS];

static void load(int removes) {
  for (int i = 0; i < libraries; i++) {
    handles[i] = dlopen(paths[i], RTLD_NOW | RTLD_LOCAL);
    if (!handles[i]) fail("%s", dlerror());
    if (removes && unlink(paths[i])) fail("%s cannot be removed: %s", paths[i], strerror(errno));
  }
}

static int call_each(void) {
  if (!libraries) return copies_use(calls, gap_us, at_ns);
  for (int i = 0; i < libraries; i++) {
    use own = (use)dlsym(handles[i], "copies_use");
    int error = own ? own(calls, gap_us, at_ns)
                    : make_calls((allocate)dlsym(handles[i], "cudaMalloc"), (release)dlsym(handles[i], "cudaFree"),
                                 calls, gap_us, at_ns);
    if (error) return error;
  }
  return 0;
}

static void log_copy(int pid, const char *library) {
  for (const char *const *name = (const char *const[]){"cudaMalloc", "cudaFree", NULL}; *name; name++)
    log_line("{\"type\":\"calls\",\"thread\":\"copies\",\"tid\":%d,\"function\":\"%s\",\"count\":%d,\"library\":\"%s\"}",
             pid, *name, calls, library);
}

static void log_process(int pid, int loaded) {
  for (int i = 0; i < loaded; i++) log_copy(pid, paths[i]);
  if (!loaded) log_copy(pid, "");
}

static void wait_for(int pid, int loaded) {
  int status;
  waitpid(pid, &status, 0);
  if (status) fail("the child ended with %d", status);
  log_process(pid, loaded);
}

int main(int argc, char **argv) {
  const char *log = NULL;
  int waiting = 0, early = 0, removes = 0, forks = 0, executes = 0, option;
  static const struct option options[] = {
      {"library", 1, 0, 'L'}, {"early", 0, 0, 'e'},    {"remove", 0, 0, 'r'}, {"pause-ms", 1, 0, 'p'},
      {"calls", 1, 0, 'c'},   {"gap-us", 1, 0, 'g'},   {"fork", 0, 0, 'f'},   {"exec", 0, 0, 'x'},
      {"log", 1, 0, 'l'},     {"wait-start", 0, 0, 'w'}, {0}};
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (option == 'L' && libraries < LIBRARIES) paths[libraries++] = optarg;
    else if (option == 'e') early = 1;
    else if (option == 'r') removes = 1;
    else if (option == 'p') pause_ms = atoi(optarg);
    else if (option == 'c') calls = atoi(optarg);
    else if (option == 'g') gap_us = atoi(optarg);
    else if (option == 'f') forks = 1;
    else if (option == 'x') executes = 1;
    else if (option == 'l') log = optarg;
    else if (option == 'w') waiting = 1;
    else fail("see the head of copies.c");
  }
  if (calls > CALLS) fail("at most %d calls", CALLS);
  expect_start();
  if (early) load(removes);
  if (waiting) wait_start();
  if (!early) load(removes);
  usleep(pause_ms * 1000);
  if (executes) {
    int child = fork();
    if (child == 0) {
      char count[16];
      snprintf(count, sizeof count, "%d", calls);
      execl("/proc/self/exe", "copies", "--calls", count, "--log", "/dev/null", libraries ? "--library" : NULL, paths[0], NULL);
      _exit(1);
    }
    wait_for(child, libraries ? 1 : 0);
  }
  if (forks) {
    int child = fork();
    if (child == 0) _exit(call_each());
    wait_for(child, libraries);
  }
  if (call_each()) fail("a call returned an error");
  log_process(getpid(), libraries);
  if (gap_us)
    for (int i = 0; i < calls; i++) log_line("{\"type\":\"call\",\"at_ns\":%llu}", (unsigned long long)at_ns[i]);
  log_workload("\"copies\":true");
  write_log(log);
  return 0;
}
#endif
