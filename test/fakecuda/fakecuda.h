// Steers the stand-in CUDA libraries from inside a program: how long a call takes and how it waits, what it returns,
// and what runs inside it. Names are the exported ones ("cudaLaunchKernel", "cuLaunchKernel"); every setter returns 0,
// or -1 for a name that neither library has. Set before the calls begin: a setting is not synchronised with them.
//
// The same without recompiling, before the program starts:
//   FAKECUDA_LATENCY="cudaStreamSynchronize=200us:block,cuLaunchKernel=2us"    ns, us, ms; spin (default) or block
//   FAKECUDA_RESULT="cudaMalloc=2"                                             the error that each call returns
#pragma once
#include <stdint.h>

enum fakecuda_wait {
  FAKECUDA_SPIN,  // busy on the CPU, as a runtime that polls the device
  FAKECUDA_BLOCK, // asleep in poll() on a descriptor that an interrupt makes ready, as one that waits for the device
};

// `runtime` functions call the driver's: a hook on "cuLaunchKernel" runs two traced calls deep.
typedef void (*fakecuda_hook)(void *arg);

int fakecuda_set_latency(const char *function, uint64_t ns, enum fakecuda_wait wait);
int fakecuda_set_hook(const char *function, fakecuda_hook hook, void *arg);
int fakecuda_set_result(const char *function, int error);
