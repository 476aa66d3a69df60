// `engine` asks process `tokenizer` over a Unix socket, which now and then computes for 8 ms before it answers.
#include "story.h"
#include <sys/socket.h>

static int ends[2];

static void tokenizer(void) {
  char request[64];
  for (ssize_t got; (got = recv(ends[1], request, sizeof request, 0)) > 0;) {
    make(story.twin ? MS / 50 : 8 * MS);
    if (send(ends[1], request, (size_t)got, 0) != got) _exit(1);
  }
}

static void step(unsigned i) {
  char text[64] = "tokenize this";
  if (i % 40 != 20) return;
  uint64_t start = now_ns();
  if (send(ends[0], text, sizeof text, 0) < 0 || recv(ends[0], text, sizeof text, 0) < 0)
    fail("socket: %s", strerror(errno));
  late_since(start, "passed", NULL);
}

int main(int argc, char **argv) {
  story_open(argc, argv);
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) fail("socketpair: %s", strerror(errno));
  pid_t child = start_process("tokenizer", story.near_cpu, tokenizer);
  story_begin();
  run_engine(step);
  end_process(child);
  return story_close();
}
