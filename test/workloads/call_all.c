// Calls functions of a library that it knows by name alone, each in a process of its own, so that one that crashes on
// its arguments ends nothing else. Every argument is the address of a page: argument k (from 1) is k << 16, in registers
// and on the stack alike, and word j of its page is the text "aKKwJJ" with a zero, which is a number below 2^53 too.
//   call_all --library FILE [--times 3] [--log FILE] --wait-start NAME...
// The log: {"type":"called","function":...,"calls":N,"result":...}, or "signal" instead of the result.

#include "workload.h"
#include <dlfcn.h>
#include <getopt.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define ARGUMENTS 16
#define PAGE(k) ((long)(k) << 16)

typedef long (*function)(long, long, long, long, long, long, long, long, long, long, long, long, long, long, long, long);

struct outcome {
  int calls, result;
};

static void make_pages(void) {
  for (int k = 1; k <= ARGUMENTS; k++) {
    char *page = mmap((void *)PAGE(k), 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (page != (char *)PAGE(k)) fail("argument %d has no page at %#lx: %s", k, PAGE(k), strerror(errno));
    for (int j = 0; j < 512; j++) snprintf(page + 8 * j, 8, "a%02dw%02d", k, j % 100);
  }
}

static void call(const char *name, function of, int times, struct outcome *shared) {
  *shared = (struct outcome){0};
  pid_t child = fork();
  if (child < 0) fail("fork: %s", strerror(errno));
  if (child == 0) {
    alarm(5);
    make_pages();
    for (int i = 0; i < times; i++) {
      shared->calls = i + 1;
      shared->result = (int)of(PAGE(1), PAGE(2), PAGE(3), PAGE(4), PAGE(5), PAGE(6), PAGE(7), PAGE(8), PAGE(9), PAGE(10),
                               PAGE(11), PAGE(12), PAGE(13), PAGE(14), PAGE(15), PAGE(16));
    }
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status))
    log_line("{\"type\":\"called\",\"function\":\"%s\",\"calls\":%d,\"signal\":%d}", name, shared->calls, WTERMSIG(status));
  else
    log_line("{\"type\":\"called\",\"function\":\"%s\",\"calls\":%d,\"result\":%d}", name, shared->calls, shared->result);
}

int main(int argc, char **argv) {
  const char *library = NULL, *log = NULL;
  int times = 3, waiting = 0, option;
  static const struct option options[] = {
      {"library", 1, 0, 'L'}, {"times", 1, 0, 't'}, {"log", 1, 0, 'l'}, {"wait-start", 0, 0, 'w'}, {0}};
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (option == 'L') library = optarg;
    else if (option == 't') times = atoi(optarg);
    else if (option == 'l') log = optarg;
    else if (option == 'w') waiting = 1;
    else fail("call_all --library FILE [--times N] [--log FILE] [--wait-start] NAME...");
  }
  void *handle = library ? dlopen(library, RTLD_NOW | RTLD_GLOBAL) : NULL;
  if (!handle) fail("%s", library ? dlerror() : "--library is missing");
  struct outcome *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  expect_start();
  if (waiting) wait_start();
  for (int i = optind; i < argc; i++) {
    function of = (function)dlsym(handle, argv[i]);
    if (!of) fail("%s exports no %s", library, argv[i]);
    call(argv[i], of, times, shared);
  }
  log_workload("\"library\":true");
  write_log(log);
  return 0;
}
