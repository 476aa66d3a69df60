// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Wakechain's probes: one object, a file for each concern, in the order in which they build on one another.
 */
#define __VMLINUX_H__ /* bpf_tracing.h: registers by their kernel names */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "wire.h"
#include "state.h"
#include "ring.h"
#include "storage.h"
#include "registers.h"
#include "stacks.h"
#include "governor.h"
#include "cuda.h"
#include "life.h"
#include "objects.h"
#include "files.h"
#include "waits.h"
#include "off_cpu.h"
#include "missed.h"
#include "scheduler.h"
#include "wakeups.h"
#include "locks.h"
#include "block.h"
#include "network.h"
#include "memory.h"
#include "samples.h"
#include "bounds.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
