/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The scheduler: who ran on each CPU, and every interval off the CPU, from switch-out over the wake-up to switch-in.
 *
 * A switch makes one record at most: it carries the slice of the thread that leaves, and the finished off-CPU interval of
 * the thread that comes.
 */
#ifndef WAKECHAIN_SCHEDULER_H
#define WAKECHAIN_SCHEDULER_H

#define TASK_DEAD 0x80

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

/* Its control group has used its quota up. Since 6.18 the thread itself is held back; before, its group's whole queue. */
static __always_inline bool is_throttled(struct task_struct *task)
{
	if (bpf_core_field_exists(((struct task_struct___throttled *)0)->throttled))
		return BPF_CORE_READ((struct task_struct___throttled *)task, throttled);
	if (bpf_core_field_exists(((struct cfs_rq *)0)->throttle_count))
		return BPF_CORE_READ(task, se.cfs_rq, throttle_count) > 0;
	return false;
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
	state->waker_user_stack = 0;
	state->waker_request = 0;
	state->wake_is_early = 0;
}

/* ---- switch-out -------------------------------------------------------------------------------------------------- */

static __always_inline void switch_out(struct task_struct *prev, __u32 next_tid, bool preempt, __u32 prev_state, __u64 now,
				       __u32 cpu)
{
	struct thread_state *state;
	bool stays_runnable = preempt || !prev_state;
	bool followed;

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
	state->has_snapshot = 0;
	state->flags = 0;
	read_system_call(prev, &state->call);
	if (prev->flags & PF_KTHREAD) {
		read_asked(prev, state, false, false);
		return;
	}
	if (BPF_CORE_READ_BITFIELD(prev, in_iowait))
		state->flags |= SWITCH_IN_IOWAIT;
	if (stays_runnable && is_throttled(prev))
		state->flags |= SWITCH_THROTTLED;
	followed = is_followed(prev, state, now);
	read_asked(prev, state, followed && !stays_runnable, !stays_runnable);
	if (stacks_per_second && followed)
		state->has_snapshot = keep_snapshot(prev);
}

/* ---- switch ------------------------------------------------------------------------------------------------------ */

/* The interval of the thread that comes: what to do with it. Sets SWITCH_HAS_OFF_CPU where it is to be sent. */
static __always_inline struct thread_state *switch_in(struct task_struct *next, struct switch_facts *facts,
						      struct probe_counters *of, bool *followed)
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
	*followed = is_followed(next, state, facts->now);
	if (!state->off_ns || next->tgid == collector_tgid || !(record_everyone || *followed)) {
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
	bool followed = false, sent;

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

	if (here->tid != facts.prev_tid && here->tid != TID_UNKNOWN && facts.prev_tid) {
		struct switch_facts missed = { .cpu = facts.cpu };

		if (infer_switch(prev, here, now, &missed))
			send_inferred(prev, &missed);
	}
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
	state = switch_in(next, &facts, off_cpu, &followed);
	if (!(facts.flags & SWITCH_HAS_SLICE))
		slice->filtered++;
	if (!(facts.flags & (SWITCH_HAS_SLICE | SWITCH_HAS_OFF_CPU)))
		return 0;
	if (beyond_limit(now)) {
		if (facts.flags & SWITCH_HAS_SLICE)
			slice->filtered++;
		if (state) {
			off_cpu->filtered++;
			state->off_ns = 0;
		}
		return 0;
	}
	if (state)
		sent = send_off_cpu(next, state, &facts, followed);
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
