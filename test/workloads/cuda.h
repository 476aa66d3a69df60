// The CUDA calls that the workloads make, from test/fakecuda: types and the prototypes of its tables.
#pragma once
#include "../fakecuda/fakecuda.h"
#include "../fakecuda/types.h"

#define RT(name, category, parameters, ...) int name parameters;
#define RT12 RT
#include "../fakecuda/runtime.def"
#undef RT12
#undef RT

void **__cudaRegisterFatBinary(void *image);
void __cudaRegisterFunction(void **image, const char *stub, char *device_stub, const char *name, int thread_limit,
                            void *tid, void *bid, dim3 *block, dim3 *grid, int *warp_size);
