// `tokenizer` computes for 9 ms with a lock that `engine` wants before each launch, or inside one (--variant call). With
// --variant preempted, and inside the call, a process that never rests takes its CPU meanwhile.
#include "story.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void tokenizer(long unused) {
  (void)unused;
  for (uint64_t next = story.start_ns + 20 * MS; going(); next += 90 * MS) {
    sleep_until(next);
    hold(&lock, story.twin ? MS / 20 : 9 * MS, "held", "off");
    if (next < now_ns()) next = now_ns();
  }
}

static void spinner(void) { spin_and_note("taken"); }

static void pass(void *unused) {
  (void)unused;
  uint64_t start = now_ns();
  pthread_mutex_lock(&lock);
  pthread_mutex_unlock(&lock);
  late_since(start, "passed", &lock);
}

static void step(unsigned i) {
  (void)i;
  if (strcmp(story.variant, "call")) pass(NULL);
}

int main(int argc, char **argv) {
  story_open(argc, argv);
  if (!strcmp(story.variant, "call")) fakecuda_set_hook("cuLaunchKernel", pass, NULL);
  story_begin();
  pid_t child = *story.variant && !story.twin ? start_process("spinner", story.near_cpu, spinner) : 0;
  pthread_t thread = start_thread("tokenizer", story.near_cpu, tokenizer, 0);
  run_engine(step);
  pthread_join(thread, NULL);
  if (child) end_process(child);
  return story_close();
}
