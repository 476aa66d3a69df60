/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Threads and processes: who was there, who came, changed its name, and left. One record tells all that is known of a
 * thread, so that no other record has to say more than a tid. Children of targets are targets.
 */
#ifndef WAKECHAIN_LIFE_H
#define WAKECHAIN_LIFE_H

static __noinline bool is_target(struct task_struct *task, struct thread_state *state)
{
	__u32 generation = target_generation;

	if (state->target_generation != generation) {
		__u32 tgid = task->tgid;

		state->is_target = bpf_map_lookup_elem(&targets, &tgid) != NULL;
		state->target_generation = generation;
	}
	return state->is_target;
}

/* Targets, and for a while those who woke one after a long wait: why were they late? */
static __always_inline bool is_followed(struct task_struct *task, struct thread_state *state, __u64 now)
{
	return is_target(task, state) || now < state->followed_until_ns;
}

static __always_inline __u32 namespace_tgid(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, group_leader, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	int number = 0;

	bpf_probe_read_kernel(&number, sizeof(number),
			      (void *)pid + bpf_core_field_offset(struct pid, numbers) +
				      (level & 63) * bpf_core_type_size(struct upid) +
				      bpf_core_field_offset(struct upid, nr));
	return number;
}

/* Tells everything about a thread; `name` is its new one where the kernel has not set it yet. */
static __noinline void send_thread(struct task_struct *task, const char *name, __u64 at, __u32 event, __u32 probe)
{
	struct probe_counters *of = counters_of(probe);
	__u32 cpu = bpf_get_smp_processor_id();
	struct thread_record *record;
	void *ring = NULL;
	__u32 tgid = task->tgid;

	record = reserve(RING_LIFE, cpu, sizeof(*record), at, &ring);
	if (!record) {
		COUNT_ATOMIC(of, lost, 1);
		note_loss(RING_LIFE, LOSS_RING, at, 1);
		return;
	}
	set_header(&record->header, RECORD_THREAD, sizeof(*record), 0, cpu);
	if (task->flags & PF_KTHREAD)
		record->header.flags |= THREAD_IS_KERNEL;
	if (bpf_map_lookup_elem(&targets, &tgid))
		record->header.flags |= THREAD_IS_TARGET;
	record->at_ns = at;
	record->start_boottime_ns = task->start_boottime;
	record->tid = task->pid;
	record->tgid = tgid;
	record->parent_tgid = BPF_CORE_READ(task, real_parent, tgid);
	record->user_id = BPF_CORE_READ(task, cred, uid.val);
	record->namespace_tgid = namespace_tgid(task);
	record->event = event;
	record->cgroup_id = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	if (name)
		bpf_probe_read_kernel_str(record->comm, sizeof(record->comm), name);
	else
		bpf_probe_read_kernel_str(record->comm, sizeof(record->comm), &task->comm);
	submit(record, ring, RING_LIFE, sizeof(*record));
	COUNT_ATOMIC(of, emitted, 1);
}

/* Every new task, those of the kernel's own included; it has not run yet. */
SEC("tp_btf/task_newtask")
int BPF_PROG(on_new_task, struct task_struct *task)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 child = task->tgid;
	__u32 parent = bpf_get_current_pid_tgid() >> 32;

	if (!recording(now))
		return 0;
	COUNT_ATOMIC(counters_of(PROBE_FORK), hits, 1);
	if (child != parent && bpf_map_lookup_elem(&targets, &parent)) {
		__u32 inherited = 1;

		/* No room: the child is no target, which is a loss of its own beside whatever becomes of its record. */
		if (bpf_map_update_elem(&targets, &child, &inherited, BPF_ANY)) {
			COUNT_ATOMIC(counters_of(PROBE_FORK), hits, 1);
			COUNT_ATOMIC(counters_of(PROBE_FORK), lost, 1);
			note_loss(RING_LIFE, LOSS_STORAGE, now, 1);
		}
	}
	forget_spares(task->pid);
	/* Made here, where memory can be had, rather than in the scheduler. */
	any_thread_state(task);
	send_thread(task, NULL, now, THREAD_FORK, PROBE_FORK);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *program)
{
	__u64 now = bpf_ktime_get_ns();

	if (!recording(now))
		return 0;
	COUNT_ATOMIC(counters_of(PROBE_EXEC), hits, 1);
	end_calls(task, now, CALL_ABANDONED);
	send_thread(task, NULL, now, THREAD_EXEC, PROBE_EXEC);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	__u64 now = bpf_ktime_get_ns();

	if (!recording(now)) {
		/* Its calls were counted when they began; the end iterator will not meet it any more. */
		if (ended)
			end_calls(task, until_ns, CALL_OPEN);
		return 0;
	}
	COUNT_ATOMIC(counters_of(PROBE_EXIT), hits, 1);
	end_calls(task, now, CALL_ABANDONED);
	send_thread(task, NULL, now, THREAD_EXIT, PROBE_EXIT);
	/* Its last thread: the number can soon be another process's. The generation stays, so that what this thread still
	 * waits for on its way out (memory, devices) counts as a target's. */
	if (!BPF_CORE_READ(task, signal, live.counter)) {
		__u32 tgid = task->tgid;

		bpf_map_delete_elem(&targets, &tgid);
	}
	return 0;
}

SEC("tp_btf/task_rename")
int BPF_PROG(on_rename, struct task_struct *task, const char *name)
{
	__u64 now = bpf_ktime_get_ns();

	if (!recording(now))
		return 0;
	COUNT_ATOMIC(counters_of(PROBE_RENAME), hits, 1);
	send_thread(task, name, now, THREAD_RENAME, PROBE_RENAME);
	return 0;
}

#endif
