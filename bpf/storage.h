/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A thread's state: found, or made. It lives in task storage; but the kernel refuses to make one while another program is
 * inside task storage on the same CPU, as a uprobe's program is when its thread is preempted there. So uprobes forbid
 * preemption for that moment where the kernel can, and for what is left there are a few spare places, by thread id.
 */
#ifndef WAKECHAIN_STORAGE_H
#define WAKECHAIN_STORAGE_H

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct thread_state);
} spare_thread_states SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__type(key, __u32);
	__type(value, struct call_state);
} spare_call_states SEC(".maps");

volatile __u32 spares_used;

static const struct thread_state new_thread_state;
static const struct call_state new_call_state;

extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

static __always_inline struct thread_state *thread_state_of(struct task_struct *task)
{
	struct thread_state *state = bpf_task_storage_get(&thread_states, task, 0, 0);
	__u32 tid;

	if (state || !spares_used)
		return state;
	tid = task->pid;
	return bpf_map_lookup_elem(&spare_thread_states, &tid);
}

static __noinline struct thread_state *make_thread_state(struct task_struct *task)
{
	struct thread_state *state = bpf_task_storage_get(&thread_states, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	__u32 tid = task->pid;

	if (state)
		return state;
	spares_used = 1;
	bpf_map_update_elem(&spare_thread_states, &tid, &new_thread_state, BPF_NOEXIST);
	return bpf_map_lookup_elem(&spare_thread_states, &tid);
}

/* NULL only when there is no room at all: that is a loss to be counted. */
static __always_inline struct thread_state *any_thread_state(struct task_struct *task)
{
	struct thread_state *state = thread_state_of(task);

	if (!state)
		state = make_thread_state(task);
	if (!state)
		storage_failed = 1;
	return state;
}

static __always_inline struct call_state *call_state_of(struct task_struct *task)
{
	struct call_state *calls = bpf_task_storage_get(&call_states, task, 0, 0);
	__u32 tid;

	if (calls || !spares_used)
		return calls;
	tid = task->pid;
	return bpf_map_lookup_elem(&spare_call_states, &tid);
}

static __noinline struct call_state *make_call_state(struct task_struct *task)
{
	struct call_state *calls = bpf_task_storage_get(&call_states, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	__u32 tid = task->pid;

	if (calls)
		return calls;
	spares_used = 1;
	bpf_map_update_elem(&spare_call_states, &tid, &new_call_state, BPF_NOEXIST);
	return bpf_map_lookup_elem(&spare_call_states, &tid);
}

/* The same from a uprobe, whose program can be preempted. */
static __always_inline struct call_state *call_state_of_caller(struct task_struct *task, bool make)
{
	bool can_hold = bpf_ksym_exists(bpf_preempt_disable);
	struct call_state *calls;

	if (can_hold)
		bpf_preempt_disable();
	calls = call_state_of(task);
	if (!calls && make)
		calls = make_call_state(task);
	if (can_hold)
		bpf_preempt_enable();
	return calls;
}

static __always_inline struct thread_state *thread_state_of_caller(struct task_struct *task)
{
	bool can_hold = bpf_ksym_exists(bpf_preempt_disable);
	struct thread_state *state;

	if (can_hold)
		bpf_preempt_disable();
	state = thread_state_of(task);
	if (can_hold)
		bpf_preempt_enable();
	return state;
}

/* A new thread must not find the spare state of an earlier one of its number. */
static __always_inline void forget_spares(__u32 tid)
{
	if (!spares_used)
		return;
	bpf_map_delete_elem(&spare_thread_states, &tid);
	bpf_map_delete_elem(&spare_call_states, &tid);
}

#endif
