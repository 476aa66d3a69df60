// libcudart.so.12 and .13, the stand-ins: every call goes down to the driver, as in the genuine ones. The driver is
// loaded by the first call, through cuGetProcAddress; a kernel's module is loaded by its first launch.
#define _GNU_SOURCE
#include "slots.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define cudaErrorInvalidDevice 101

static struct {
#define DRV(name, category, parameters, ...) int(*name) parameters;
#include "driver.def"
#undef DRV
} D;

static _Atomic int driver_state; // 0 not tried, 1 ready, 2 there is none
static pthread_mutex_t driver_lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local int last_error;

static int load_driver(void) {
  pthread_mutex_lock(&driver_lock);
  if (!driver_state) {
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL);
    D.cuGetProcAddress_v2 = library ? dlsym(library, "cuGetProcAddress_v2") : NULL;
    int found = D.cuGetProcAddress_v2 != NULL;
#define DRV(name, category, parameters, ...)                                                                           \
  found = found && !D.cuGetProcAddress_v2(#name, (void **)&D.name, RUNTIME_VERSION, 0, NULL);
#include "driver.def"
#undef DRV
    CUcontext context;
    found = found && !D.cuInit(0) && !D.cuDevicePrimaryCtxRetain(&context, 0) && !D.cuCtxSetCurrent(context);
    driver_state = found ? 1 : 2;
  }
  pthread_mutex_unlock(&driver_lock);
  return driver_state == 1;
}

#define DRIVER() (__builtin_expect(driver_state == 1, 1) || load_driver())

// Kernels by the address of their host stub. Registration comes from constructors, launches from any thread.
#define KERNELS 1024
static struct kernel {
  _Atomic(const void *) stub;
  const char *name;
  void **image;
  _Atomic(CUfunction) function;
} kernels[KERNELS];

static struct kernel *find_kernel(const void *stub) {
  for (size_t i = ((size_t)stub >> 4) % KERNELS, tries = 0; tries < KERNELS; i = (i + 1) % KERNELS, tries++) {
    const void *here = kernels[i].stub;
    if (here == stub || !here) return &kernels[i];
  }
  return NULL;
}

// A stub that was never registered is passed down as it is: a program without nvcc's start-up code may launch too.
static CUfunction kernel(const void *stub) {
  struct kernel *k = find_kernel(stub);
  if (!k || k->stub != stub) return (CUfunction)stub;
  CUfunction function = k->function, none = NULL;
  if (function) return function;
  CUlibrary library;
  if (D.cuLibraryLoadData(&library, *k->image, NULL, NULL, 0, NULL, NULL, 0)) return NULL;
  if (D.cuLibraryGetKernel(&function, library, k->name)) return NULL;
  return atomic_compare_exchange_strong(&k->function, &none, function) ? function : none;
}

static int launch_ex(int (*launch)(const CUlaunchConfig *, CUfunction, void **, void **), const cudaLaunchConfig_t *config,
                     const void *func, void **args) {
  CUlaunchConfig down = {config->gridDim.x,  config->gridDim.y,  config->gridDim.z,         config->blockDim.x,
                         config->blockDim.y, config->blockDim.z, config->dynamicSmemBytes, config->stream,
                         config->attrs,      config->numAttrs};
  return launch(&down, kernel(func), args, NULL);
}

static int copy_2d(int async, cudaStream_t stream, void *dst, size_t dst_pitch, const void *src, size_t src_pitch,
                   size_t width, size_t height) {
  CUDA_MEMCPY2D copy = {.srcDevice = (CUdeviceptr)src, .srcPitch = src_pitch, .dstDevice = (CUdeviceptr)dst,
                        .dstPitch = dst_pitch, .WidthInBytes = width, .Height = height};
  return async ? D.cuMemcpy2DAsync_v2(&copy, stream) : D.cuMemcpy2D_v2(&copy);
}

static int take_last_error(int clear) {
  int error = last_error;
  if (clear) last_error = 0;
  return error;
}

#define GEOMETRY(grid, block) grid.x, grid.y, grid.z, block.x, block.y, block.z
#define ADDRESS(pointer) ((CUdeviceptr)(pointer))
#define COPY(dst, src, bytes, kind, suffix)                                                                            \
  (kind == cudaMemcpyHostToDevice     ? D.cuMemcpyHtoD_v2##suffix(ADDRESS(dst), src, bytes)                            \
   : kind == cudaMemcpyDeviceToHost   ? D.cuMemcpyDtoH_v2##suffix(dst, ADDRESS(src), bytes)                            \
   : kind == cudaMemcpyDeviceToDevice ? D.cuMemcpyDtoD_v2##suffix(ADDRESS(dst), ADDRESS(src), bytes)                   \
   : (unsigned)kind > cudaMemcpyDefault ? cudaErrorInvalidValue                                                        \
                                      : D.cuMemcpy##suffix(ADDRESS(dst), ADDRESS(src), bytes))
#define COPY_ASYNC(dst, src, bytes, kind, stream, suffix)                                                              \
  (kind == cudaMemcpyHostToDevice     ? D.cuMemcpyHtoDAsync_v2##suffix(ADDRESS(dst), src, bytes, stream)               \
   : kind == cudaMemcpyDeviceToHost   ? D.cuMemcpyDtoHAsync_v2##suffix(dst, ADDRESS(src), bytes, stream)               \
   : kind == cudaMemcpyDeviceToDevice ? D.cuMemcpyDtoDAsync_v2##suffix(ADDRESS(dst), ADDRESS(src), bytes, stream)      \
   : (unsigned)kind > cudaMemcpyDefault ? cudaErrorInvalidValue                                                        \
                                      : D.cuMemcpyAsync##suffix(ADDRESS(dst), ADDRESS(src), bytes, stream))

#define RT(name, category, parameters, ...)                                                                            \
  EXPORT int name parameters {                                                                                         \
    if (!DRIVER()) return cudaErrorInsufficientDriver;                                                                 \
    int error = ACT(name);                                                                                             \
    if (!error) error = (__VA_ARGS__);                                                                                 \
    if (__builtin_expect(error, 0)) last_error = error;                                                                \
    return error;                                                                                                      \
  }
#if RUNTIME_VERSION < 13000
#define RT12 RT
#else
#define RT12(...)
#endif
#include "runtime.def"

// What nvcc's start-up code and stubs call. They return no error, or are not worth a latency. --------------------------

// gcc drops the frame of a function that calls nothing, whatever the flags say; the genuine ones keep theirs.
#define KEEP_FRAME() __asm__ volatile("" ::"r"(__builtin_frame_address(0)))

EXPORT void **__cudaRegisterFatBinary(void *image) {
  KEEP_FRAME();
  static void *images[256];
  static _Atomic unsigned count;
  unsigned i = atomic_fetch_add(&count, 1) % 256;
  images[i] = image;
  return &images[i];
}

EXPORT void __cudaRegisterFatBinaryEnd(void **image) { KEEP_FRAME(); }
EXPORT void __cudaUnregisterFatBinary(void **image) { KEEP_FRAME(); }

EXPORT void __cudaRegisterFunction(void **image, const char *stub, char *device_stub, const char *name, int thread_limit,
                                   void *tid, void *bid, dim3 *block, dim3 *grid, int *warp_size) {
  KEEP_FRAME();
  struct kernel *k = find_kernel(stub);
  if (!k) return;
  k->name = name;
  k->image = image;
  k->stub = stub;
}

EXPORT int __cudaGetKernel(cudaKernel_t *entry, const void *stub) {
  if (!DRIVER()) return cudaErrorInsufficientDriver;
  *entry = kernel(stub);
  return cudaSuccess;
}

static _Thread_local struct { dim3 grid, block; size_t shared; cudaStream_t stream; } pending;

EXPORT unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared, cudaStream_t stream) {
  pending.grid = grid;
  pending.block = block;
  pending.shared = shared;
  pending.stream = stream;
  return 0;
}

EXPORT int __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared, void *stream) {
  *grid = pending.grid;
  *block = pending.block;
  *shared = pending.shared;
  *(cudaStream_t *)stream = pending.stream;
  return cudaSuccess;
}

EXPORT const char *cudaGetErrorString(int error) {
  KEEP_FRAME();
  return error ? "an error that was asked for" : "no error";
}

EXPORT const char *cudaGetErrorName(int error) {
  KEEP_FRAME();
  return error ? "cudaErrorUnknown" : "cudaSuccess";
}
