/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the programs remember: options set before loading, a few globals that user space moves while recording, and the
 * maps. State that belongs to a thread lives in task storage: no table to size, no key to recycle, gone with the thread.
 */
#ifndef WAKECHAIN_STATE_H
#define WAKECHAIN_STATE_H

#define MAX_DEPTH MAX_HOOKS

/* ---- options, fixed when the programs are loaded ---------------------------------------------------------------- */

const volatile __u32 collector_tgid;
const volatile __u32 rings_per_class = 1;     /* = number of possible CPUs                                          */
const volatile __u32 wake_bytes[RING_CLASSES];/* power of two: the reader is woken each time this much more waits   */
const volatile __u64 off_cpu_threshold_ns;    /* a wait at least this long is kept with its stacks                  */
const volatile __u64 call_threshold_ns;       /* a call at least this long is kept with its stack                   */
const volatile __u64 stacks_per_second;       /* for each thread; 0 = no stacks at all                              */
const volatile __u64 first_calls;             /* this many calls of each function (on each CPU) get a stack anyway  */
const volatile bool record_everyone = true;   /* slices and waits of threads that are no targets                    */
const volatile bool preempt_count_known;      /* x86_64: the next one holds                                         */
const volatile __s64 preempt_count_from_run_queue; /* bytes; see read_preempt_count()                               */
const volatile bool target_everyone;          /* whoever calls CUDA becomes a target                                */

/* ---- moved by user space ----------------------------------------------------------------------------------------- */

/*
 * Programs return at once, uncounted, from this time on. It is at once the switch that starts and ends the recording and
 * a lease: the collector moves it ahead while it lives, so that probes which outlive it do nothing.
 */
volatile __u64 until_ns;
volatile __u64 start_ns;
volatile __u32 ended;          /* the recording is over; what is still open is being told                          */
/* Raised when a process becomes a target or ceases to be one: what threads remember about it is then out of
 * date. Starts at 1. */
volatile __u32 target_generation;
/* Some thread's state could not be kept, so "never seen" no longer means "asleep since before the capture". */
volatile __u32 storage_failed;

/* ---- maps -------------------------------------------------------------------------------------------------------- */

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

/* Entry 0: RING_LIFE. Then RING_CUDA of each CPU, RING_SCHEDULER, RING_STACK, RING_HOST of each CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct ring);
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROBE_LIMIT);
	__type(key, __u32);
	__type(value, struct probe_counters);
} counters SEC(".maps");

/* Losses that no record has told yet, by (ring class, source, CPU). */
struct pending_loss {
	__u64 start_ns;
	__u64 events;
} __attribute__((aligned(64)));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pending_loss);
} pending_losses SEC(".maps");

#define TID_UNKNOWN 0xffffffff

/* Who runs on a CPU since when. Written on that CPU alone, but for the start iterator's claim of an unknown tid. */
struct cpu_state {
	__u64 slice_start_ns;      /* 0 = before the capture                         */
	__u64 stack_keys;          /* given out on this CPU                          */
	__u64 preempt_count_at;    /* address; 0 = not looked for yet                */
	__u32 tid;                 /* user space fills in TID_UNKNOWN before the start */
	__u64 requests;            /* block requests completed on this CPU           */
	__u64 completed_request;   /* the last of them; 0 = none, or not to be told  */
} __attribute__((aligned(64)));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpu_state);
} cpu_states SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u32);
} targets SEC(".maps");

/* ---- of each thread ---------------------------------------------------------------------------------------------- */

struct system_call {
	__u64 args[4];
	__s32 number;              /* -1 = none: an interrupt, a fault, a kernel thread */
	__u32 known;               /* it was read                                    */
};

/* What the thread asked for in it, read while it was still on the CPU. */
struct asked {
	__u64 object;              /* futex; child                                   */
	__u64 timeout_ns;
	__u32 futex_op;            /* 0xffffffff = no futex                          */
	__u32 futex_value;
	__u32 descriptor;          /* 0xffffffff = none, or several                  */
	__u32 timeout_kind;
};

enum { SNAPSHOT_NONE = 0, SNAPSHOT_KEPT = 1, SNAPSHOT_FAILED = 2 };

struct thread_state {
	__u64 off_ns;              /* since when off the CPU; 0 = on it              */
	__u64 wake_ns;             /* when it was woken; 0 = not yet                 */
	__u64 waker_object;
	__u64 waker_kernel_stack;
	__u64 waker_user_stack;
	__u64 waker_request;       /* block request that was completed last where the wake-up ran */
	struct system_call call;   /* that it was in when it left the CPU            */
	struct asked asked;
	__u64 stalled_ns[STALL_KINDS]; /* since when in the kernel for memory; 0 = not */
	__u64 kernel_lock;         /* that it has to wait for; 0 = none             */
	__u64 followed_until_ns;   /* it woke a target that had waited long: its own waits are of interest till then */
	__u64 stack_tokens_ns;     /* token bucket of its stacks, in time            */
	__u64 run_delay;           /* waits for a CPU until it left, as the kernel adds them up */
	__u32 waker_tid;
	__u32 waker_futex_op;
	__u32 got_cpu_tid;
	__u32 target_generation;   /* when `is_target` was looked up                 */
	__u32 seen;                /* a program has met this thread                  */
	__u32 kernel_lock_flags;
	__u32 follow_depth;        /* wakers of wakers: how far from a target        */
	__u16 cpu_before;
	__u16 flags;               /* SWITCH_*                                       */
	__s16 waker_system_call;
	__u8 state_before;
	__u8 waker_context;
	__u8 is_target;
	__u8 has_snapshot;         /* SNAPSHOT_*                                     */
	/* The wake-up was seen before the switch-out it ends (it runs beside it on another CPU): believed unless another
	 * wake-up follows. */
	__u8 early_wake;
	__u8 wake_is_early;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct thread_state);
} thread_states SEC(".maps");

/* A target thread's stack as it was at its last switch-out: sent only when the wait turns out long. */
struct snapshot {
	struct user_stack_record record;
	__u8 bytes[MAX_SNAPSHOT_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct snapshot);
} snapshots SEC(".maps");

/* A CUDA call that has not returned. */
struct call_frame {
	__u64 start_ns;
	__u64 stack_pointer;       /* at entry: where x86_64 keeps the return address */
	__u64 return_address;
	__u64 args[CALL_ARGS];
	__u64 stack_words[CALL_STACK_WORDS];
	__u32 probe;
	__u32 flags;               /* upper half of the cookie                       */
	__u32 order;               /* of the governor, when the call began           */
	__u32 reserved;
};

/* Exists only for threads of targets that have called CUDA. */
struct call_state {
	__u32 depth;
	__u32 reserved;
	__u64 window_ns;           /* since when what the probes cost is added up    */
	__u64 window_cost_ns;
	struct call_frame frames[MAX_DEPTH];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct call_state);
} call_states SEC(".maps");

static __always_inline bool recording(__u64 now)
{
	return now < until_ns;
}

#endif
