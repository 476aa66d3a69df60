// `engine` asks process `server` over TCP, in a network of their own in which one request in eight is lost on its way and
// must be sent again.
#include "drop.h"
#include "story.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>

static int client = -1;

static void server(void) {
  int on = client; // the listening socket, before the fork
  for (char text[64];;) {
    int from = accept(on, NULL, NULL);
    for (ssize_t got; from >= 0 && (got = recv(from, text, sizeof text, 0)) > 0;)
      if (send(from, text, (size_t)got, 0) != got) _exit(1);
  }
}

static void step(unsigned i) {
  char text[64] = "a request";
  if (i % 20 != 10) return;
  uint64_t start = now_ns();
  if (send(client, text, sizeof text, 0) < 0 || recv(client, text, sizeof text, 0) < 0)
    fail("socket: %s", strerror(errno));
  late_since(start, "lost", NULL);
}

int main(int argc, char **argv) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof at;
  int yes = 1;
  story_open(argc, argv);
  own_network();
  int listening = client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(listening, (void *)&at, length) || listen(listening, 1) || getsockname(listening, (void *)&at, &length))
    fail("socket: %s", strerror(errno));
  pid_t child = start_process("server", story.near_cpu, server);
  client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(client, (void *)&at, length)) fail("connect: %s", strerror(errno));
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (!story.twin) drop_to_port(ntohs(at.sin_port), 8);
  story_begin();
  run_engine(step);
  end_process(child);
  return story_close();
}
