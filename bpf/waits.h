/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a thread that goes to sleep has asked for: which futex, which file, which child, and for how long at most. It is
 * read from the arguments of its system call while the thread is still on the CPU, since they point into its memory.
 */
#ifndef WAKECHAIN_WAITS_H
#define WAKECHAIN_WAITS_H

#define FUTEX_COMMAND_MASK 127
#define FUTEX_CLOCK_REALTIME 256
#define FUTEX_WAIT 0
#define FUTEX_LOCK_PI 6
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAIT_REQUEUE_PI 11
#define FUTEX_LOCK_PI2 13
/* futex_wait() and futex_waitv() take flags of their own; told as the operation that they are. */
#define FUTEX2_PRIVATE 128

#define TIMER_ABSTIME 1
#define P_PID 1

struct timespec {
	__s64 seconds;
	__s64 nanoseconds;
};

/* struct pollfd */
struct poll_entry {
	__s32 descriptor;
	__s16 events;
	__s16 returned;
};

/* struct futex_waitv */
struct futex_waiter {
	__u64 value;
	__u64 address;
	__u32 flags;
	__u32 reserved;
};

static __always_inline bool futex_waits(__u64 op)
{
	switch (op & FUTEX_COMMAND_MASK) {
	case FUTEX_WAIT:
	case FUTEX_LOCK_PI:
	case FUTEX_WAIT_BITSET:
	case FUTEX_WAIT_REQUEUE_PI:
	case FUTEX_LOCK_PI2:
		return true;
	}
	return false;
}

static __always_inline void read_timeout(struct asked *asked, __u64 at, __u32 kind, __u64 nanoseconds_in_unit)
{
	struct timespec timeout;

	if (!at || bpf_probe_read_user(&timeout, sizeof(timeout), (void *)at))
		return;
	asked->timeout_ns = timeout.seconds * 1000000000ull + timeout.nanoseconds * nanoseconds_in_unit;
	asked->timeout_kind = kind;
}

/* A time-out in milliseconds; negative = none. */
static __always_inline void take_milliseconds(struct asked *asked, __s32 milliseconds)
{
	if (milliseconds < 0)
		return;
	asked->timeout_ns = milliseconds * 1000000ull;
	asked->timeout_kind = TIMEOUT_RELATIVE;
}

static __always_inline __u32 kind_of_clock(__u64 clock)
{
	return clock == 0 ? TIMEOUT_REALTIME : clock == 1 ? TIMEOUT_MONOTONIC : TIMEOUT_NONE;
}

static __always_inline void ask_futex(struct asked *asked, struct system_call *call, bool on_cpu)
{
	__u32 op = call->args[1], kind;

	if (!futex_waits(op))
		return;
	asked->object = call->args[0];
	asked->futex_op = op;
	asked->futex_value = call->args[2];
	switch (op & FUTEX_COMMAND_MASK) {
	case FUTEX_WAIT:
		kind = TIMEOUT_RELATIVE;
		break;
	case FUTEX_LOCK_PI:
		kind = TIMEOUT_REALTIME;
		break;
	default:
		kind = op & FUTEX_CLOCK_REALTIME ? TIMEOUT_REALTIME : TIMEOUT_MONOTONIC;
	}
	if (!on_cpu)
		return;
	read_timeout(asked, call->args[3], kind, 1);
	/* The value is not used: the word itself holds the owner. */
	if ((op & FUTEX_COMMAND_MASK) == FUTEX_LOCK_PI || (op & FUTEX_COMMAND_MASK) == FUTEX_LOCK_PI2)
		bpf_probe_read_user(&asked->futex_value, sizeof(asked->futex_value), (void *)call->args[0]);
}

/* One that waits on one descriptor says which; with several, none is the one. */
static __always_inline void ask_poll(struct asked *asked, struct system_call *call)
{
	struct poll_entry first;

	if (call->args[1] == 1 && !bpf_probe_read_user(&first, sizeof(first), (void *)call->args[0]))
		asked->descriptor = first.descriptor;
}

/* The rarer ones. `on_cpu`: the thread's memory can be read. */
static __noinline void ask_rarely(struct task_struct *task, struct thread_state *state, bool on_cpu)
{
	struct system_call *call = &state->call;
	struct asked *asked = &state->asked;
	struct futex_waiter waiter;

	switch (call->number) {
	case SYS_WAIT4:
		asked->object = (__s32)call->args[0] > 0 ? (__u32)call->args[0] : 0;
		return;
	case SYS_WAITID:
		asked->object = call->args[0] == P_PID ? (__u32)call->args[1] : 0;
		return;
	case SYS_EPOLL_WAIT:
	case SYS_EPOLL_PWAIT:
		asked->descriptor = call->args[0];
		take_milliseconds(asked, call->args[3]);
		return;
	case SYS_FUTEX_WAIT:
		asked->object = call->args[0];
		asked->futex_value = call->args[1];
		asked->futex_op = FUTEX_WAIT_BITSET | (call->args[3] & FUTEX2_PRIVATE);
		if (on_cpu)
			read_timeout(asked, late_argument(task, 4), kind_of_clock(late_argument(task, 5)), 1);
		return;
	}
	if (!on_cpu)
		return;
	switch (call->number) {
	case SYS_POLL:
		ask_poll(asked, call);
		take_milliseconds(asked, call->args[2]);
		return;
	case SYS_PPOLL:
		ask_poll(asked, call);
		read_timeout(asked, call->args[2], TIMEOUT_RELATIVE, 1);
		return;
	case SYS_SELECT:
		read_timeout(asked, late_argument(task, 4), TIMEOUT_RELATIVE, 1000);
		return;
	case SYS_PSELECT6:
		read_timeout(asked, late_argument(task, 4), TIMEOUT_RELATIVE, 1);
		return;
	case SYS_EPOLL_PWAIT2:
		asked->descriptor = call->args[0];
		read_timeout(asked, call->args[3], TIMEOUT_RELATIVE, 1);
		return;
	case SYS_NANOSLEEP:
		read_timeout(asked, call->args[0], TIMEOUT_RELATIVE, 1);
		return;
	case SYS_CLOCK_NANOSLEEP:
		read_timeout(asked, call->args[2],
			     call->args[1] & TIMER_ABSTIME ? kind_of_clock(call->args[0]) : TIMEOUT_RELATIVE, 1);
		return;
	case SYS_SIGTIMEDWAIT:
		read_timeout(asked, call->args[2], TIMEOUT_RELATIVE, 1);
		return;
	case SYS_FUTEX_WAITV:
		/* The first of them stands for all. */
		if (bpf_probe_read_user(&waiter, sizeof(waiter), (void *)call->args[0]))
			return;
		asked->object = waiter.address;
		asked->futex_value = waiter.value;
		asked->futex_op = FUTEX_WAIT_BITSET | (waiter.flags & FUTEX2_PRIVATE);
		read_timeout(asked, call->args[3], kind_of_clock(late_argument(task, 4)), 1);
		return;
	}
}

/* Of everyone the futex, since holders are found by all that wait; of `followed` threads everything. */
static __always_inline void read_asked(struct task_struct *task, struct thread_state *state, bool followed, bool on_cpu)
{
	struct asked *asked = &state->asked;

	asked->object = 0;
	asked->timeout_ns = 0;
	asked->futex_op = 0xffffffff;
	asked->futex_value = 0;
	asked->descriptor = 0xffffffff;
	asked->timeout_kind = TIMEOUT_NONE;
	if (state->call.number == SYS_FUTEX)
		ask_futex(asked, &state->call, on_cpu);
	else if (followed && takes_file_descriptor(state->call.number))
		asked->descriptor = state->call.args[0];
	else if (followed)
		ask_rarely(task, state, on_cpu);
}

#endif
