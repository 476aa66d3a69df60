// One slot for each function of both tables, owned by libfakecuda.so and shared by the runtimes and the driver. A call
// looks at one byte of its slot and goes on, unless something was asked of it.
#pragma once
#include "fakecuda.h"
#include "types.h"

enum fakecuda_id {
#define DRV(name, category, parameters, ...) ID_##name,
#define RT DRV
#define RT12 DRV
#include "driver.def"
#include "runtime.def"
#undef RT12
#undef RT
#undef DRV
  FAKECUDA_FUNCTIONS
};

struct fakecuda_slot {
  const char *name;
  unsigned char active;
  enum fakecuda_wait wait;
  int result;
  uint64_t latency_ns;
  fakecuda_hook hook;
  void *hook_arg;
};

extern struct fakecuda_slot fakecuda_slots[FAKECUDA_FUNCTIONS];

// Does what the slot asks: hook, then latency. Returns the error that the call shall return, 0 for none.
int fakecuda_act(const struct fakecuda_slot *slot);

#define EXPORT __attribute__((visibility("default")))
#define ACT(name) (__builtin_expect(fakecuda_slots[ID_##name].active, 0) ? fakecuda_act(&fakecuda_slots[ID_##name]) : 0)
