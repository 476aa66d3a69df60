/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The scheduler: who ran on each CPU, and every interval off the CPU, from switch-out over the wake-up to switch-in.
 *
 * A switch makes one record at most: it carries the slice of the thread that leaves, and the finished off-CPU interval of
 * the thread that comes. What costs more (file, kernel stack) is read at switch-in, when the length of the wait is known.
 */
#ifndef WAKECHAIN_SCHEDULER_H
#define WAKECHAIN_SCHEDULER_H

#define FUTEX_COMMAND_MASK 127
#define FUTEX_WAIT 0
#define FUTEX_LOCK_PI 6
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAIT_REQUEUE_PI 11
#define FUTEX_LOCK_PI2 13

#define TASK_DEAD 0x80

struct timespec {
	__s64 seconds;
	__s64 nanoseconds;
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

static __always_inline __u8 state_code(__u32 state)
{
	if (!state)
		return STATE_PREEMPTED;
	if (state & 1)
		return STATE_INTERRUPTIBLE;
	if (state & 2)
		return STATE_UNINTERRUPTIBLE;
	if (state & (4 | 8))
		return STATE_STOPPED;
	return STATE_OTHER;
}

static __always_inline void forget_wake(struct thread_state *state)
{
	state->wake_ns = 0;
	state->waker_tid = 0;
	state->waker_context = 0;
	state->waker_system_call = -1;
	state->waker_futex_op = 0xffffffff;
	state->waker_object = 0;
	state->waker_kernel_stack = 0;
	state->wake_is_early = 0;
}

/* ---- switch-out -------------------------------------------------------------------------------------------------- */

static __always_inline __u64 futex_timeout(struct system_call *call)
{
	struct timespec timeout;

	if (!call->args[3] || bpf_probe_read_user(&timeout, sizeof(timeout), (void *)call->args[3]))
		return 0;
	return timeout.seconds * 1000000000ull + timeout.nanoseconds;
}

static __always_inline void switch_out(struct task_struct *prev, __u32 next_tid, bool preempt, __u32 prev_state, __u64 now,
				       __u32 cpu)
{
	struct thread_state *state;
	bool stays_runnable = preempt || !prev_state;

	if (prev_state & TASK_DEAD)
		return;
	state = any_thread_state(prev);
	if (!state)
		return;
	/* A wake-up that ran beside this switch-out, on another CPU: nothing else will wake the thread, unless something does. */
	if (state->early_wake && !stays_runnable) {
		state->wake_ns = now;
		state->wake_is_early = 1;
	} else {
		forget_wake(state);
	}
	state->early_wake = 0;
	state->seen = 1;
	state->off_ns = now;
	state->got_cpu_tid = next_tid;
	state->cpu_before = cpu;
	if (bpf_core_field_exists(prev->sched_info.run_delay))
		state->run_delay = prev->sched_info.run_delay;
	state->state_before = stays_runnable ? STATE_PREEMPTED : state_code(prev_state);
	state->timeout_ns = 0;
	state->has_snapshot = 0;
	state->flags = 0;
	read_system_call(prev, &state->call);
	if (prev->flags & PF_KTHREAD)
		return;
	if (BPF_CORE_READ_BITFIELD(prev, in_iowait))
		state->flags |= SWITCH_IN_IOWAIT;
	if (bpf_core_field_exists(((struct task_struct___throttled *)0)->throttled) &&
	    BPF_CORE_READ((struct task_struct___throttled *)prev, throttled))
		state->flags |= SWITCH_THROTTLED;
	if (!stays_runnable && state->call.number == SYS_FUTEX && futex_waits(state->call.args[1]))
		state->timeout_ns = futex_timeout(&state->call);
	if (stacks_per_second && is_target(prev, state))
		state->has_snapshot = keep_snapshot(prev);
}

/* ---- the record -------------------------------------------------------------------------------------------------- */

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
				   __u32 futex, __u32 with_stacks)
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
	record->object = 0;
	record->timeout_ns = 0;
	record->futex_op = 0xffffffff;
	record->futex_value = 0;
	record->file_descriptor = 0xffffffff;
	record->file_kind = FILE_NONE;
	record->device = 0;
	if (futex) {
		record->object = state->call.args[0];
		record->futex_op = state->call.args[1];
		record->futex_value = state->call.args[2];
		record->timeout_ns = state->timeout_ns;
	} else if (takes_file_descriptor(state->call.number)) {
		fill_file(record, task, state->call.args[0]);
	}
	record->waker_futex_op = state->waker_futex_op;
	record->waker_object = state->waker_object;
	record->user_stack = user_stack;
	record->kernel_stack = kernel_stack;
	record->waker_kernel_stack = state->waker_kernel_stack;
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
					 bool target)
{
	bool asleep = state->state_before != STATE_PREEMPTED;
	bool is_long = facts->now - state->off_ns >= off_cpu_threshold_ns;
	bool futex;

	/* A thread that slept before the recording began is still in its system call. */
	if (!state->call.known)
		read_system_call(task, &state->call);
	futex = asleep && state->call.number == SYS_FUTEX && futex_waits(state->call.args[1]);
	if (futex || (target && is_long))
		return send_detail(task, state, facts, futex, target && is_long && stacks_per_second);
	return send_plain(state, facts);
}

static __always_inline void count_switch(struct switch_facts *facts, struct probe_counters *off_cpu,
					 struct probe_counters *slice, bool sent, bool inferred)
{
	__u32 rows = 0;

	if (facts->flags & SWITCH_HAS_SLICE) {
		slice->hits += inferred;
		if (sent)
			slice->emitted++;
		else
			slice->lost++;
		rows++;
	}
	if (facts->flags & SWITCH_HAS_OFF_CPU) {
		off_cpu->hits += inferred;
		if (sent)
			off_cpu->emitted++;
		else
			off_cpu->lost++;
		rows++;
	}
	if (!sent)
		note_loss(RING_SCHEDULER, LOSS_RING, facts->now, rows);
}

/* ---- what no probe saw ------------------------------------------------------------------------------------------- */

/*
 * A probe does not run where the kernel forbids it for a moment (recursion), or for good (a protected process). Then a
 * thread is found on a CPU that was last given to another, or comes back without having been woken. The kernel notes when
 * a task was queued and when it got its CPU, on a clock of its own that runs as fast as ours: how long ago is that?
 */
static __always_inline __u64 time_of_note(struct task_struct *task, __u64 noted, __u64 now)
{
	__u64 clock;

	if (!noted || !bpf_core_field_exists(((struct cfs_rq *)0)->rq))
		return 0;
	clock = BPF_CORE_READ(task, se.cfs_rq, rq, clock);
	if (clock < noted || clock - noted > now)
		return 0;
	return now - (clock - noted);
}

/* Someone else had this CPU last, by our account: tells of the switch to `prev` that was missed. */
static __noinline void infer_switch(struct task_struct *prev, struct cpu_state *here, __u64 now, __u32 cpu)
{
	struct probe_counters *off_cpu = counters_of(PROBE_SWITCH_OFF_CPU), *slice = counters_of(PROBE_SWITCH_SLICE);
	struct thread_state *state = thread_state_of(prev);
	struct switch_facts facts = {};
	__u64 arrived = 0;
	bool target, sent;

	if (bpf_core_field_exists(prev->sched_info.last_arrival))
		arrived = time_of_note(prev, prev->sched_info.last_arrival, now);
	if (!off_cpu || !slice || arrived <= here->slice_start_ns)
		return;
	facts.now = arrived;
	facts.cpu = cpu;
	facts.next_tid = prev->pid;
	facts.flags = SWITCH_INFERRED;
	if (record_everyone && here->tid && here->slice_start_ns) {
		facts.prev_tid = here->tid;
		facts.slice_start_ns = here->slice_start_ns;
		facts.flags |= SWITCH_HAS_SLICE;
	}
	here->slice_start_ns = arrived;
	if (state && state->off_ns && prev->tgid != collector_tgid) {
		target = is_target(prev, state);
		if (record_everyone || target)
			facts.flags |= SWITCH_HAS_OFF_CPU | state->flags;
		if (!state->wake_ns && state->state_before != STATE_PREEMPTED && state->run_delay) {
			__u64 queued = arrived - (prev->sched_info.run_delay - state->run_delay);

			if (queued > state->off_ns && queued <= arrived)
				state->wake_ns = queued;
		}
	}
	if (!(facts.flags & (SWITCH_HAS_SLICE | SWITCH_HAS_OFF_CPU)))
		return;
	if (facts.flags & SWITCH_HAS_OFF_CPU && !state->call.known) {
		state->call.number = -1;
		state->call.known = 1;
	}
	if (facts.flags & SWITCH_HAS_OFF_CPU)
		sent = send_off_cpu(prev, state, &facts, target);
	else
		sent = send_plain(NULL, &facts);
	count_switch(&facts, off_cpu, slice, sent, true);
}

/* ---- switch ------------------------------------------------------------------------------------------------------ */

/* The interval of the thread that comes: what to do with it. Sets SWITCH_HAS_OFF_CPU where it is to be sent. */
static __always_inline struct thread_state *switch_in(struct task_struct *next, struct switch_facts *facts,
						      struct probe_counters *of, bool *target)
{
	struct thread_state *state;

	if (!facts->next_tid) {
		of->filtered++;
		return NULL;
	}
	state = any_thread_state(next);
	if (!state) {
		of->lost++;
		note_loss(RING_SCHEDULER, LOSS_STORAGE, facts->now, 1);
		return NULL;
	}
	if (!state->seen) {
		state->seen = 1;
		if (storage_failed) {
			of->lost++;
			note_loss(RING_SCHEDULER, LOSS_STORAGE, facts->now, 1);
			return NULL;
		}
		forget_wake(state);
		state->state_before = STATE_OTHER;
		if (next->start_time >= start_ns) {
			/* Its birth was not seen. */
			state->off_ns = next->start_time;
			state->flags = 0;
			COUNT_ATOMIC(counters_of(PROBE_FORK), hits, 1);
			send_thread(next, NULL, next->start_time, THREAD_FORK, PROBE_FORK);
		} else {
			/* Before the start iterator got to it. */
			state->off_ns = start_ns;
			state->flags = SWITCH_OFF_BEGAN_BEFORE;
		}
	}
	/* It slept, and nobody was seen waking it: the kernel knows at least when it was queued. */
	if (!state->wake_ns && state->state_before != STATE_PREEMPTED && bpf_core_field_exists(next->sched_info.last_queued)) {
		__u64 queued = time_of_note(next, next->sched_info.last_queued, facts->now);

		if (queued > state->off_ns)
			state->wake_ns = queued;
	}
	*target = is_target(next, state);
	if (!state->off_ns || next->tgid == collector_tgid || !(record_everyone || *target)) {
		of->filtered++;
		state->off_ns = 0;
		return NULL;
	}
	facts->flags |= SWITCH_HAS_OFF_CPU | state->flags;
	return state;
}

static __always_inline int on_switch(bool preempt, struct task_struct *prev, struct task_struct *next, __u32 prev_state)
{
	__u64 now = bpf_ktime_get_ns();
	struct probe_counters *off_cpu, *slice;
	struct thread_state *state;
	struct switch_facts facts = {};
	struct cpu_state *here;
	bool target = false, sent;

	if (!recording(now))
		return 0;
	facts.now = now;
	facts.cpu = bpf_get_smp_processor_id();
	facts.prev_tid = prev->pid;
	facts.next_tid = next->pid;
	off_cpu = counters_of(PROBE_SWITCH_OFF_CPU);
	slice = counters_of(PROBE_SWITCH_SLICE);
	here = bpf_map_lookup_elem(&cpu_states, &facts.cpu);
	if (!off_cpu || !slice || !here)
		return 0;
	off_cpu->hits++;
	slice->hits++;

	if (here->tid != facts.prev_tid && here->tid != TID_UNKNOWN && facts.prev_tid)
		infer_switch(prev, here, now, facts.cpu);
	facts.slice_start_ns = here->slice_start_ns;
	here->slice_start_ns = now;
	here->tid = facts.next_tid;
	if (facts.prev_tid) {
		if (record_everyone) {
			facts.flags = SWITCH_HAS_SLICE;
			if (!facts.slice_start_ns) {
				facts.slice_start_ns = start_ns;
				facts.flags |= SWITCH_SLICE_BEGAN_BEFORE;
			}
		}
		switch_out(prev, facts.next_tid, preempt, prev_state, now, facts.cpu);
	}
	state = switch_in(next, &facts, off_cpu, &target);
	if (!(facts.flags & SWITCH_HAS_SLICE))
		slice->filtered++;
	if (!(facts.flags & (SWITCH_HAS_SLICE | SWITCH_HAS_OFF_CPU)))
		return 0;
	if (state)
		sent = send_off_cpu(next, state, &facts, target);
	else
		sent = send_plain(NULL, &facts);
	if (state)
		state->off_ns = 0;
	count_switch(&facts, off_cpu, slice, sent, false);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state)
{
	return on_switch(preempt, prev, next, prev_state);
}

/* Before 5.18 the tracepoint did not say the state: it is read from the task, which may be a moment later. */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_sched_switch_without_state, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	return on_switch(preempt, prev, next, state_of(prev));
}

#endif
