/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The two ends of a recording: who is there when it begins, and what is still open when it ends.
 */
#ifndef WAKECHAIN_BOUNDS_H
#define WAKECHAIN_BOUNDS_H

/* Threads that are there when the capture begins; those asleep have been so since before it. */
SEC("iter/task")
int at_start(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct thread_state *state;
	struct cpu_state *there;
	__u32 cpu;

	if (!task)
		return 0;
	COUNT_ATOMIC(counters_of(PROBE_ITERATE_START), hits, 1);
	if (task->start_time >= start_ns) {
		COUNT_ATOMIC(counters_of(PROBE_ITERATE_START), filtered, 1); /* on_new_task told of it */
		return 0;
	}
	send_thread(task, NULL, start_ns, THREAD_EXISTING, PROBE_ITERATE_START);
	state = any_thread_state(task);
	if (!state)
		return 0;
	if (task->on_cpu) {
		cpu = cpu_of(task);
		there = bpf_map_lookup_elem(&cpu_states, &cpu);
		if (there && __sync_val_compare_and_swap(&there->tid, TID_UNKNOWN, task->pid) == TID_UNKNOWN)
			__sync_val_compare_and_swap(&state->seen, 0, 1);
	} else if (__sync_val_compare_and_swap(&state->seen, 0, 1) == 0) {
		forget_wake(state);
		state->off_ns = start_ns;
		state->state_before = state_code(state_of(task));
		state->cpu_before = cpu_of(task);
		state->flags = SWITCH_OFF_BEGAN_BEFORE;
	}
	return 0;
}

/* What had not ended when the recording did: waits, and calls. Nothing else records any more. */
SEC("iter/task")
int at_end(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct probe_counters *of;
	struct thread_state *state;
	struct switch_facts facts = {};
	bool followed;

	if (!task)
		return 0;
	of = counters_of(PROBE_ITERATE_END);
	COUNT_ATOMIC(of, hits, 1);
	state = thread_state_of(task);
	end_calls(task, until_ns, CALL_OPEN);
	if (!state || !state->off_ns || task->exit_state || task->tgid == collector_tgid) {
		COUNT_ATOMIC(of, filtered, 1);
		return 0;
	}
	followed = is_followed(task, state, until_ns);
	if (!(record_everyone || followed)) {
		COUNT_ATOMIC(of, filtered, 1);
		return 0;
	}
	facts.now = until_ns;
	facts.cpu = bpf_get_smp_processor_id();
	facts.next_tid = task->pid;
	facts.flags = SWITCH_HAS_OFF_CPU | SWITCH_OPEN | state->flags;
	if (send_off_cpu(task, state, &facts, followed)) {
		COUNT_ATOMIC(of, emitted, 1);
	} else {
		COUNT_ATOMIC(of, lost, 1);
		note_loss(RING_SCHEDULER, LOSS_RING, facts.now, 1);
	}
	return 0;
}

#endif
