// A file on a real disk, without a name, full of something to read: beside this program, since /tmp may be memory.
#pragma once
#include "story.h"

#define SCRATCH_BYTES (64ul << 20)
#define CHUNK (1ul << 20)

struct scratch { int fd; char *buffer; size_t at; };

// `flags`: of open(2), O_DIRECT or none.
static inline struct scratch scratch_open(int flags) {
  struct scratch data = {-1, NULL, 0};
  char path[4096] = "";
  if (readlink("/proc/self/exe", path, sizeof path - 64) < 0) fail("/proc/self/exe cannot be read");
  strcat(dirname(path), "/scratch-XXXXXX");
  int fd = mkostemp(path, O_CLOEXEC);
  if (fd < 0) fail("%s: %s", path, strerror(errno));
  data.fd = open(path, O_RDWR | O_CLOEXEC | flags);
  if (data.fd < 0) fail("%s: %s", path, strerror(errno));
  unlink(path);
  close(fd);
  if (posix_memalign((void **)&data.buffer, 4096, 1 << 20)) fail("no memory");
  memset(data.buffer, 'x', 1 << 20);
  for (size_t at = 0; at < SCRATCH_BYTES; at += 1 << 20)
    if (pwrite(data.fd, data.buffer, 1 << 20, (off_t)at) != 1 << 20) fail("write: %s", strerror(errno));
  if (fsync(data.fd)) fail("fsync: %s", strerror(errno));
  return data;
}

// What a call that waits for the disk took since `start`: its own time on the CPU, which is mostly before it sleeps, is
// `submitted`; the rest is `word`.
struct io { uint64_t ns, cpu_ns; };
static inline struct io io_begin(void) { return (struct io){now_ns(), cpu_ns()}; }
static inline void io_end(struct io start, const char *word) {
  uint64_t end = now_ns(), asleep = start.ns + cpu_ns() - start.cpu_ns;
  note("stretch", word, asleep, end, NULL);
  note("stretch", "submitted", start.ns, asleep, NULL);
}

// The next megabyte of it.
static inline void read_chunk(struct scratch *data, const char *word) {
  struct io start = io_begin();
  if (pread(data->fd, data->buffer, CHUNK, (off_t)data->at) != (ssize_t)CHUNK) fail("read: %s", strerror(errno));
  io_end(start, word);
  data->at = (data->at + CHUNK) % SCRATCH_BYTES;
}
