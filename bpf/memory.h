/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A thread's own time in the kernel for memory: page faults that had to read, reclaim, compaction, where they took long;
 * and who was killed for it.
 *
 * A fault has a tracepoint at its beginning only. That it is over is told by the kernel's software event of major faults,
 * which comes once the page is there: so of faults, those that had to wait for a disk or the like.
 */
#ifndef WAKECHAIN_MEMORY_H
#define WAKECHAIN_MEMORY_H

static __always_inline struct thread_state *current_state(void)
{
	return thread_state_of((struct task_struct *)bpf_get_current_task_btf());
}

static __always_inline int stall_begins(__u32 kind)
{
	__u64 now = bpf_ktime_get_ns();
	struct thread_state *state;

	if (!recording(now))
		return 0;
	state = current_state();
	if (state)
		state->stalled_ns[kind % STALL_KINDS] = now;
	return 0;
}

static __always_inline int stall_ends(__u32 kind, __u32 probe, __u64 amount)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	struct probe_counters *of = counters_of(probe);
	__u32 cpu = bpf_get_smp_processor_id();
	__u64 now = bpf_ktime_get_ns(), since;
	struct thread_state *state;
	struct stall_record *record;
	void *ring = NULL;

	if (!recording(now))
		return 0;
	COUNT_ATOMIC(of, hits, 1);
	state = thread_state_of(task);
	since = state ? state->stalled_ns[kind % STALL_KINDS] : 0;
	if (!since || now - since < off_cpu_threshold_ns || task->tgid == collector_tgid ||
	    !(record_everyone || is_target(task, state))) {
		COUNT_ATOMIC(of, filtered, 1);
		return 0;
	}
	state->stalled_ns[kind % STALL_KINDS] = 0;
	record = reserve(RING_HOST, cpu, sizeof(*record), now, &ring);
	if (!record) {
		COUNT_ATOMIC(of, lost, 1);
		note_loss(RING_HOST, LOSS_RING, now, 1);
		return 0;
	}
	set_header(&record->header, RECORD_STALL, sizeof(*record), 0, cpu);
	record->start_ns = since;
	record->end_ns = now;
	record->amount = amount;
	record->tid = task->pid;
	record->kind = kind;
	submit(record, ring, RING_HOST, sizeof(*record));
	COUNT_ATOMIC(of, emitted, 1);
	return 0;
}

/* x86_64 alone has these two. Faults of everyone come here: as little as can be. */
SEC("tp_btf/page_fault_user")
int BPF_PROG(on_fault)
{
	return stall_begins(STALL_PAGE_FAULT);
}

/* The kernel touches the thread's memory for it, in a system call. */
SEC("tp_btf/page_fault_kernel")
int BPF_PROG(on_fault_in_kernel)
{
	return stall_begins(STALL_PAGE_FAULT);
}

SEC("perf_event")
int on_major_fault(struct bpf_perf_event_data *ctx)
{
	return stall_ends(STALL_PAGE_FAULT, PROBE_PAGE_FAULT, 0);
}

SEC("tp_btf/mm_vmscan_direct_reclaim_begin")
int BPF_PROG(on_reclaim, int order)
{
	return stall_begins(STALL_RECLAIM);
}

SEC("tp_btf/mm_vmscan_direct_reclaim_end")
int BPF_PROG(on_reclaim_end, unsigned long pages)
{
	return stall_ends(STALL_RECLAIM, PROBE_RECLAIM, pages);
}

/* The same for the limit of a control group. */
SEC("tp_btf/mm_vmscan_memcg_reclaim_begin")
int BPF_PROG(on_group_reclaim, int order)
{
	return stall_begins(STALL_RECLAIM);
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_end")
int BPF_PROG(on_group_reclaim_end, unsigned long pages)
{
	return stall_ends(STALL_RECLAIM, PROBE_RECLAIM, pages);
}

SEC("tp_btf/mm_compaction_begin")
int BPF_PROG(on_compaction)
{
	return stall_begins(STALL_COMPACTION);
}

SEC("tp_btf/mm_compaction_end")
int BPF_PROG(on_compaction_end)
{
	return stall_ends(STALL_COMPACTION, PROBE_COMPACTION, 0);
}

/* Since 6.8 it says whom; before that only a number. */
SEC("tp_btf/mark_victim")
int BPF_PROG(on_oom_kill, struct task_struct *task)
{
	__u64 now = bpf_ktime_get_ns();

	if (!recording(now))
		return 0;
	COUNT_ATOMIC(counters_of(PROBE_OOM), hits, 1);
	send_thread(task, NULL, now, THREAD_OOM_KILL, PROBE_OOM);
	return 0;
}

#endif
