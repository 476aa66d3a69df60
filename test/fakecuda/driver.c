// libcuda.so.1, the stand-in: hands out handles and device addresses, keeps no state worth the name, and takes as long
// as it was asked to. There is no memory behind a device address.
#include "slots.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define DEVICE_BASE 0x200000000000ull // between what the kernel gives to a heap and to mappings
#define DEVICE_SPAN 0x10000000000ull
#define DEVICE_BYTES (80ull << 30)
#define CUDA_ERROR_OUT_OF_MEMORY 2
#define CUDA_ERROR_INVALID_DEVICE 101
#define CUDA_ERROR_NOT_FOUND 500

static _Thread_local CUstream capturing;

static void *handle(void) {
  static _Atomic unsigned long next = 0x5500000000;
  return (void *)atomic_fetch_add_explicit(&next, 0x40, memory_order_relaxed);
}

// Addresses as cudaMalloc gives them: aligned to 512 bytes, never zero. They begin again after a terabyte.
static int allocate(CUdeviceptr *pointer, size_t bytes) {
  static _Atomic unsigned long long used;
  if (bytes > DEVICE_BYTES) return CUDA_ERROR_OUT_OF_MEMORY;
  *pointer = DEVICE_BASE + atomic_fetch_add(&used, (bytes + 511) / 512 * 512) % DEVICE_SPAN;
  return 0;
}

static int allocate_host(void **pointer, size_t bytes) {
  *pointer = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  return *pointer ? 0 : CUDA_ERROR_OUT_OF_MEMORY;
}

static int release(void *pointer) {
  CUdeviceptr address = (CUdeviceptr)pointer;
  if (address < DEVICE_BASE || address >= DEVICE_BASE + DEVICE_SPAN + DEVICE_BYTES) free(pointer);
  return 0;
}

static int find_function(const char *symbol, void **function);

#define DRV(name, category, parameters, ...)                                                                           \
  EXPORT int name parameters {                                                                                         \
    int forced = ACT(name);                                                                                            \
    return forced ? forced : (__VA_ARGS__);                                                                            \
  }
#include "driver.def"
#undef DRV

// As the genuine one: "cuMemAlloc" finds the newest variant of the function, an exact name finds itself.
static int find_function(const char *symbol, void **function) {
  static const struct { const char *name; void *address; } table[] = {
#define DRV(name, category, parameters, ...) {#name, (void *)name},
#include "driver.def"
  };
  size_t length = strlen(symbol);
  *function = NULL;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (!strncmp(table[i].name, symbol, length) && (!table[i].name[length] || !strcmp(table[i].name + length, "_v2")))
      *function = table[i].address;
  return *function ? 0 : CUDA_ERROR_NOT_FOUND;
}
