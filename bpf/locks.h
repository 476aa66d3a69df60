/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which of the kernel's own locks a thread has to sleep for (since 5.19; before that its kernel stack alone tells). Only
 * noted here, from the beginning of the wait to its end: the intervals in between carry it.
 */
#ifndef WAKECHAIN_LOCKS_H
#define WAKECHAIN_LOCKS_H

#define LCB_F_SPIN 1

SEC("tp_btf/contention_begin")
int BPF_PROG(on_contention, void *lock, unsigned int flags)
{
	struct probe_counters *of;
	struct thread_state *state;
	struct task_struct *task;
	struct mm_struct *memory;

	/* A spinning wait keeps its CPU; and this may be a lock of the kernel's inside of BPF: touch nothing. */
	if (flags & LCB_F_SPIN || !recording(bpf_ktime_get_ns()))
		return 0;
	of = counters_of(PROBE_KERNEL_LOCK);
	COUNT_ATOMIC(of, hits, 1);
	task = (struct task_struct *)bpf_get_current_task_btf();
	state = thread_state_of(task);
	if (!state) {
		COUNT_ATOMIC(of, filtered, 1);
		return 0;
	}
	memory = task->mm;
	if (memory && lock == (void *)memory + bpf_core_field_offset(struct mm_struct, mmap_lock))
		flags |= KERNEL_LOCK_IS_MMAP;
	state->kernel_lock = (__u64)lock;
	state->kernel_lock_flags = flags;
	COUNT_ATOMIC(of, merged, 1);
	return 0;
}

SEC("tp_btf/contention_end")
int BPF_PROG(on_contention_end, void *lock, int result)
{
	struct thread_state *state;

	if (!recording(bpf_ktime_get_ns()))
		return 0;
	state = thread_state_of((struct task_struct *)bpf_get_current_task_btf());
	if (state && state->kernel_lock == (__u64)lock)
		state->kernel_lock = 0;
	return 0;
}

#endif
