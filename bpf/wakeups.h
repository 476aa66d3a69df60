/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Wake-ups: noted with the thread that is woken, and told with its interval when it gets a CPU. Whose code ran them is
 * half of the answer; the other half is in what context: an interrupt only borrows a thread.
 */
#ifndef WAKECHAIN_WAKEUPS_H
#define WAKECHAIN_WAKEUPS_H

#define HARD_INTERRUPT_MASK 0x000f0000
#define SERVING_SOFT_INTERRUPT 0x00000100

/* How long a waker's own waits are of interest after it ended a target's, and how far from a target. */
#define FOLLOW_NS 5000000000ull
#define FOLLOW_DEPTH 4

static __always_inline void follow(struct task_struct *waker, struct thread_state *woken, __u64 now)
{
	__u32 depth = woken->is_target ? 1 : woken->follow_depth + 1;
	struct thread_state *state;

	if (depth > FOLLOW_DEPTH || waker->tgid == collector_tgid)
		return;
	state = thread_state_of(waker);
	if (!state)
		return;
	if (state->followed_until_ns < now || state->follow_depth > depth)
		state->follow_depth = depth;
	state->followed_until_ns = now + FOLLOW_NS;
}

/* Who wakes, in what context, and from which futex call. Runs in the waker. */
static __always_inline void note_waker(void *ctx, struct thread_state *state, __u64 now, bool with_stack)
{
	struct task_struct *waker = (struct task_struct *)bpf_get_current_task_btf();
	struct system_call call;
	__u32 preempt_count = 0;
	__u8 context = WAKER_SEEN;
	bool known;

	known = read_preempt_count(waker, &preempt_count);
	if (preempt_count & HARD_INTERRUPT_MASK)
		context |= WAKER_IN_HARD_INTERRUPT;
	if (preempt_count & SERVING_SOFT_INTERRUPT)
		context |= WAKER_IN_SOFT_INTERRUPT;
	if (!waker->pid)
		context |= WAKER_IS_IDLE;
	if (waker->flags & PF_KTHREAD)
		context |= WAKER_IS_KERNEL_THREAD;
	state->waker_tid = waker->pid;
	state->waker_context = context;
	state->waker_system_call = -1;
	state->waker_futex_op = 0xffffffff;
	state->waker_object = 0;
	state->waker_kernel_stack = 0;
	state->waker_user_stack = 0;
	state->waker_request = 0;
	if (!(context & WAKER_IN_HARD_INTERRUPT)) {
		read_system_call(waker, &call);
		state->waker_system_call = call.number;
		if (call.number == SYS_FUTEX) {
			state->waker_futex_op = call.args[1];
			state->waker_object = call.args[0];
		}
	}
	/* By its own doing: from which code, and what did it wait for itself? */
	if (with_stack && known && !(context & (WAKER_IN_HARD_INTERRUPT | WAKER_IS_IDLE | WAKER_IS_KERNEL_THREAD))) {
		follow(waker, state, now);
		if (!(context & WAKER_IN_SOFT_INTERRUPT))
			state->waker_user_stack = send_waker_stack(waker, now, bpf_get_smp_processor_id());
	}
	/* In an interrupt, in the kernel's own thread, or where the kernel does not tell: its stack says what raised it. */
	if (with_stack && (!known || context & ~WAKER_SEEN)) {
		__u32 cpu = bpf_get_smp_processor_id();
		struct cpu_state *here = bpf_map_lookup_elem(&cpu_states, &cpu);

		state->waker_kernel_stack = send_kernel_stack(ctx, waker, now, cpu, OF_CURRENT);
		state->waker_request = here ? here->completed_request : 0;
	}
}

SEC("tp_btf/sched_waking")
int BPF_PROG(on_waking, struct task_struct *task)
{
	__u64 now = bpf_ktime_get_ns();
	struct probe_counters *of;
	struct thread_state *state;
	bool with_stack;

	if (!recording(now))
		return 0;
	of = counters_of(PROBE_WAKING);
	if (!of)
		return 0;
	of->hits++;
	if (task->tgid == collector_tgid) {
		of->filtered++;
		return 0;
	}
	state = any_thread_state(task);
	if (!state) {
		of->lost++;
		note_loss(RING_SCHEDULER, LOSS_STORAGE, now, 1);
		return 0;
	}
	if (!state->seen && !storage_failed) {
		state->seen = 1;
		state->off_ns = start_ns;
		state->state_before = STATE_OTHER;
		state->flags = SWITCH_OFF_BEGAN_BEFORE;
	}
	if (!state->off_ns) {
		/* On the CPU: mostly a thread that had not gone to sleep yet. If it is just leaving, this is its wake-up. */
		note_waker(ctx, state, now, false);
		state->early_wake = 1;
		of->filtered++;
		return 0;
	}
	if (state->state_before == STATE_PREEMPTED || (state->wake_ns && !state->wake_is_early)) {
		of->filtered++;
		return 0;
	}
	state->wake_ns = now;
	state->wake_is_early = 0;
	with_stack = stacks_per_second && now - state->off_ns >= off_cpu_threshold_ns && is_followed(task, state, now);
	note_waker(ctx, state, now, with_stack);
	of->merged++;
	return 0;
}

/* A new thread's first wait: for a CPU. */
SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(on_wakeup_new, struct task_struct *task)
{
	__u64 now = bpf_ktime_get_ns();
	struct probe_counters *of;
	struct thread_state *state;

	if (!recording(now))
		return 0;
	of = counters_of(PROBE_WAKING);
	if (!of)
		return 0;
	of->hits++;
	state = any_thread_state(task);
	if (!state) {
		of->lost++;
		note_loss(RING_SCHEDULER, LOSS_STORAGE, now, 1);
		return 0;
	}
	state->seen = 1;
	state->off_ns = now;
	state->wake_ns = now;
	state->state_before = STATE_OTHER;
	state->cpu_before = cpu_of(task);
	state->flags = 0;
	note_waker(ctx, state, now, false);
	of->merged++;
	return 0;
}

#endif
