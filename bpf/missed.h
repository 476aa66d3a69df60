/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Switches that no probe saw, told from what the kernel noted of them; and the counting of all of them.
 */
#ifndef WAKECHAIN_MISSED_H
#define WAKECHAIN_MISSED_H

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

/*
 * Someone else had this CPU last, by our account: what is known of the switch to `prev` that was missed, into `facts`.
 * False where there is nothing to tell. Apart from send_inferred(), which goes deep: before 6.13 the stacks of all functions
 * that call one another share 512 bytes.
 */
static __noinline bool infer_switch(struct task_struct *prev, struct cpu_state *here, __u64 now, struct switch_facts *facts)
{
	struct thread_state *state = thread_state_of(prev);
	__u64 arrived = 0;

	if (bpf_core_field_exists(prev->sched_info.last_arrival))
		arrived = time_of_note(prev, prev->sched_info.last_arrival, now);
	if (arrived <= here->slice_start_ns)
		return false;
	facts->now = arrived;
	facts->next_tid = prev->pid;
	facts->flags = SWITCH_INFERRED;
	if (record_everyone && here->tid && here->slice_start_ns) {
		facts->prev_tid = here->tid;
		facts->slice_start_ns = here->slice_start_ns;
		facts->flags |= SWITCH_HAS_SLICE;
	}
	here->slice_start_ns = arrived;
	if (state && state->off_ns && prev->tgid != collector_tgid) {
		if (record_everyone || is_followed(prev, state, arrived))
			facts->flags |= SWITCH_HAS_OFF_CPU | state->flags;
		if (!state->wake_ns && state->state_before != STATE_PREEMPTED && state->run_delay) {
			__u64 queued = arrived - (prev->sched_info.run_delay - state->run_delay);

			if (queued > state->off_ns && queued <= arrived)
				state->wake_ns = queued;
		}
	}
	return facts->flags & (SWITCH_HAS_SLICE | SWITCH_HAS_OFF_CPU);
}

static __noinline void send_inferred(struct task_struct *prev, struct switch_facts *facts)
{
	struct probe_counters *off_cpu = counters_of(PROBE_SWITCH_OFF_CPU), *slice = counters_of(PROBE_SWITCH_SLICE);
	struct thread_state *state = facts->flags & SWITCH_HAS_OFF_CPU ? thread_state_of(prev) : NULL;
	bool sent;

	if (!off_cpu || !slice)
		return;
	if (state) {
		if (!state->call.known) {
			state->call.number = -1;
			state->call.known = 1;
			read_asked(prev, state, false, false);
		}
		sent = send_off_cpu(prev, state, facts, is_followed(prev, state, facts->now));
	} else {
		facts->flags &= ~SWITCH_HAS_OFF_CPU;
		sent = send_plain(NULL, facts);
	}
	count_switch(facts, off_cpu, slice, sent, true);
}

#endif
