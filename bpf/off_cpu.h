/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Records of intervals off the CPU: compact for most, with details for those that are worth them. What costs more (file,
 * kernel stack) is read at switch-in, when the length of the wait is known.
 */
#ifndef WAKECHAIN_OFF_CPU_H
#define WAKECHAIN_OFF_CPU_H

struct switch_facts {
	__u64 now;
	__u64 slice_start_ns;
	__u32 prev_tid;
	__u32 next_tid;
	__u32 cpu;
	__u32 flags;
};

static __always_inline void fill_switch(struct switch_record *record, struct switch_facts *facts, struct thread_state *state)
{
	record->at_ns = facts->now;
	record->slice_start_ns = facts->slice_start_ns;
	record->prev_tid = facts->prev_tid;
	record->next_tid = facts->next_tid;
	if (!state) {
		record->off_ns = 0;
		record->wake_ns = 0;
		record->waker_tid = 0;
		record->got_cpu_tid = 0;
		record->cpu_before = 0;
		record->state_before = 0;
		record->waker_context = 0;
		record->system_call = -1;
		record->waker_system_call = -1;
		return;
	}
	record->off_ns = state->off_ns;
	record->wake_ns = state->wake_ns;
	record->waker_tid = state->waker_tid;
	record->got_cpu_tid = state->got_cpu_tid;
	record->cpu_before = state->cpu_before;
	record->state_before = state->state_before;
	record->waker_context = state->waker_context;
	record->system_call = state->call.number;
	record->waker_system_call = state->waker_system_call;
}

/*
 * One record of an off-CPU interval that is worth its details. `task` is asleep, or is just being switched to.
 * True where it went out.
 */
static __noinline bool send_detail(struct task_struct *task, struct thread_state *state, struct switch_facts *facts,
				   __u32 with_stacks)
{
	struct switch_detail_record *record;
	__u64 user_stack = 0, kernel_stack = 0;
	void *ring = NULL;

	if (with_stacks) {
		if (take_stack_token(state, facts->now)) {
			user_stack = send_snapshot(task, state->has_snapshot, facts->now, facts->cpu);
			/* Where nobody saw it come back, it is somewhere else by now. */
			if (!(facts->flags & SWITCH_INFERRED))
				kernel_stack = send_kernel_stack(NULL, task, facts->now, facts->cpu, 0);
		} else {
			COUNT_ATOMIC(counters_of(PROBE_USER_STACK), hits, 1);
			COUNT_ATOMIC(counters_of(PROBE_USER_STACK), filtered, 1);
		}
	}
	record = reserve(RING_SCHEDULER, facts->cpu, sizeof(*record), facts->now, &ring);
	if (!record)
		return false;
	set_header(&record->base.header, RECORD_SWITCH_DETAIL, sizeof(*record), facts->flags, facts->cpu);
	fill_switch(&record->base, facts, state);
	record->object = state->asked.object;
	record->timeout_ns = state->asked.timeout_ns;
	record->timeout_kind = state->asked.timeout_kind;
	record->futex_op = state->asked.futex_op;
	record->futex_value = state->asked.futex_value;
	record->file_descriptor = 0xffffffff;
	record->file_kind = FILE_NONE;
	record->device = 0;
	record->kernel_lock = state->kernel_lock;
	record->kernel_lock_flags = state->kernel_lock_flags;
	record->waker_request = state->waker_request;
	if (state->asked.descriptor != 0xffffffff && state->state_before != STATE_PREEMPTED) {
		record->file_descriptor = state->asked.descriptor;
		fill_file(record, (__u64)file_of(task, state->asked.descriptor), facts->cpu);
	}
	record->waker_futex_op = state->waker_futex_op;
	record->waker_object = state->waker_object;
	record->user_stack = user_stack;
	record->kernel_stack = kernel_stack;
	record->waker_kernel_stack = state->waker_kernel_stack;
	record->waker_user_stack = state->waker_user_stack;
	submit(record, ring, RING_SCHEDULER, sizeof(*record));
	return true;
}

static __always_inline bool send_plain(struct thread_state *state, struct switch_facts *facts)
{
	struct switch_record *record;
	void *ring = NULL;

	record = reserve(RING_SCHEDULER, facts->cpu, sizeof(*record), facts->now, &ring);
	if (!record)
		return false;
	set_header(&record->header, RECORD_SWITCH, sizeof(*record), facts->flags, facts->cpu);
	fill_switch(record, facts, state);
	submit(record, ring, RING_SCHEDULER, sizeof(*record));
	return true;
}

/* Sends the interval of `task`, plain or with details. */
static __always_inline bool send_off_cpu(struct task_struct *task, struct thread_state *state, struct switch_facts *facts,
					 bool followed)
{
	bool asleep = state->state_before != STATE_PREEMPTED;
	bool is_long = facts->now - state->off_ns >= off_cpu_threshold_ns;

	/* A thread that slept before the recording began is still in its system call. */
	if (!state->call.known) {
		read_system_call(task, &state->call);
		read_asked(task, state, followed, false);
	}
	if ((asleep && state->asked.futex_op != 0xffffffff) || (followed && is_long))
		return send_detail(task, state, facts, followed && is_long && stacks_per_second);
	return send_plain(state, facts);
}

#endif
