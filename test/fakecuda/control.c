// libfakecuda.so: what the stand-in libraries were asked to do, by fakecuda.h or by the environment.
#define _GNU_SOURCE
#include "slots.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

EXPORT struct fakecuda_slot fakecuda_slots[FAKECUDA_FUNCTIONS] = {
#define DRV(function, category, parameters, ...) [ID_##function] = {.name = #function},
#define RT DRV
#define RT12 DRV
#include "driver.def"
#include "runtime.def"
};

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// The device's interrupt, played by a timer's: poll() on a descriptor, made ready from interrupt context.
static pthread_key_t device_key;
static pthread_once_t device_once = PTHREAD_ONCE_INIT;
static void close_device(void *fd) { close((int)(intptr_t)fd - 1); }
static void make_device_key(void) { pthread_key_create(&device_key, close_device); }

static void block(uint64_t ns) {
  pthread_once(&device_once, make_device_key);
  int fd = (int)(intptr_t)pthread_getspecific(device_key) - 1;
  if (fd < 0) {
    fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (fd < 0) {
      perror("fakecuda: no timer to block on");
      _exit(2);
    }
    pthread_setspecific(device_key, (void *)(intptr_t)(fd + 1));
  }
  struct itimerspec after = {.it_value = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)}};
  timerfd_settime(fd, 0, &after, NULL);
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  while (poll(&ready, 1, -1) < 0 && errno == EINTR) {
  }
  uint64_t expirations;
  if (read(fd, &expirations, sizeof expirations) < 0) perror("fakecuda: timer");
}

EXPORT int fakecuda_act(const struct fakecuda_slot *slot) {
  if (slot->hook) slot->hook(slot->hook_arg);
  if (slot->latency_ns && slot->wait == FAKECUDA_BLOCK) {
    block(slot->latency_ns);
  } else if (slot->latency_ns) {
    for (uint64_t end = now_ns() + slot->latency_ns; now_ns() < end;) __builtin_ia32_pause();
  }
  return slot->result;
}

static struct fakecuda_slot *find(const char *function) {
  for (int id = 0; id < FAKECUDA_FUNCTIONS; id++)
    if (strcmp(fakecuda_slots[id].name, function) == 0) return &fakecuda_slots[id];
  return NULL;
}

static int activate(struct fakecuda_slot *slot) {
  slot->active = slot->latency_ns || slot->hook || slot->result;
  return 0;
}

EXPORT int fakecuda_set_latency(const char *function, uint64_t ns, enum fakecuda_wait wait) {
  struct fakecuda_slot *slot = find(function);
  if (!slot) return -1;
  slot->latency_ns = ns;
  slot->wait = wait;
  return activate(slot);
}

EXPORT int fakecuda_set_hook(const char *function, fakecuda_hook hook, void *arg) {
  struct fakecuda_slot *slot = find(function);
  if (!slot) return -1;
  slot->hook = hook;
  slot->hook_arg = arg;
  return activate(slot);
}

EXPORT int fakecuda_set_result(const char *function, int error) {
  struct fakecuda_slot *slot = find(function);
  if (!slot) return -1;
  slot->result = error;
  return activate(slot);
}

static void refuse(const char *variable, const char *name, const char *value, const char *shape) {
  fprintf(stderr, "fakecuda: %s has \"%s%s%s\"; expected %s, the name of a function that these libraries export\n",
          variable, name, value ? "=" : "", value ? value : "", shape);
  _exit(2);
}

static int latency_entry(const char *function, const char *value) {
  char unit[4] = "", wait[8] = "spin";
  unsigned long amount;
  int end = 0;
  if (sscanf(value, "%lu%2[nums]%n:%7[a-z]%n", &amount, unit, &end, wait, &end) < 2 || value[end]) return -1;
  uint64_t scale = !strcmp(unit, "ns") ? 1 : !strcmp(unit, "us") ? 1000 : !strcmp(unit, "ms") ? 1000000 : 0;
  int blocks = !strcmp(wait, "block");
  if (!scale || (!blocks && strcmp(wait, "spin"))) return -1;
  return fakecuda_set_latency(function, amount * scale, blocks ? FAKECUDA_BLOCK : FAKECUDA_SPIN);
}

static int result_entry(const char *function, const char *value) {
  char *end;
  long error = strtol(value, &end, 10);
  return *end || end == value ? -1 : fakecuda_set_result(function, (int)error);
}

static void read_settings(const char *variable, int (*entry)(const char *, const char *), const char *shape) {
  const char *text = getenv(variable);
  char *copy = text ? strdup(text) : NULL, *rest = copy;
  for (char *item; copy && (item = strsep(&rest, ","));) {
    char *value = strchr(item, '=');
    if (value) *value++ = 0;
    if (!value || entry(item, value)) refuse(variable, item, value, shape);
  }
  free(copy);
}

__attribute__((constructor)) static void read_environment(void) {
  read_settings("FAKECUDA_LATENCY", latency_entry, "name=200us or name=200us:block");
  read_settings("FAKECUDA_RESULT", result_entry, "name=error number");
}
