/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where target threads are while they run: a clock of each CPU, some 100 times a second, looks at who runs there.
 */
#ifndef WAKECHAIN_SAMPLES_H
#define WAKECHAIN_SAMPLES_H

/* Of a thread that runs: `task` is current. */
static __always_inline bool send_sample(struct bpf_perf_event_data *ctx, struct task_struct *task, __u64 now)
{
	__u32 cpu = bpf_get_smp_processor_id();
	__u64 user_stack = 0, kernel_stack = 0;
	struct sample_record *record;
	void *ring = NULL;

	if (stacks_per_second) {
		user_stack = send_waker_stack(task, now, cpu);
		if (was_in_kernel(ctx))
			kernel_stack = send_kernel_stack(ctx, task, now, cpu, OF_CURRENT);
	}
	record = reserve(RING_HOST, cpu, sizeof(*record), now, &ring);
	if (!record)
		return false;
	set_header(&record->header, RECORD_SAMPLE, sizeof(*record), 0, cpu);
	record->at_ns = now;
	record->user_stack = user_stack;
	record->kernel_stack = kernel_stack;
	record->tid = task->pid;
	record->reserved = 0;
	submit(record, ring, RING_HOST, sizeof(*record));
	return true;
}

SEC("perf_event")
int on_cpu_clock(struct bpf_perf_event_data *ctx)
{
	struct probe_counters *of = counters_of(PROBE_SAMPLE);
	struct task_struct *task;
	struct thread_state *state;
	__u64 now = bpf_ktime_get_ns();

	if (!recording(now))
		return 0;
	COUNT_ATOMIC(of, hits, 1);
	task = (struct task_struct *)bpf_get_current_task_btf();
	state = task->pid ? thread_state_of(task) : NULL;
	if (!state || !is_target(task, state)) {
		COUNT_ATOMIC(of, filtered, 1);
	} else if (send_sample(ctx, task, now)) {
		COUNT_ATOMIC(of, emitted, 1);
	} else {
		COUNT_ATOMIC(of, lost, 1);
		note_loss(RING_HOST, LOSS_RING, now, 1);
	}
	return 0;
}

#endif
