/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stacks are copied, not walked: a bulk copy of the top of the user stack costs a tenth of a walk, and user space can
 * unwind code that has no frame pointers. A snapshot at switch-out stays in task storage and is sent only if the wait
 * turned out long; a kernel stack is taken at switch-in, when that is known (a sleeping task's kernel stack keeps still).
 */
#ifndef WAKECHAIN_STACKS_H
#define WAKECHAIN_STACKS_H

static __always_inline __u64 new_stack_key(__u32 cpu)
{
	struct cpu_state *here = bpf_map_lookup_elem(&cpu_states, &cpu);

	if (!here)
		return 0;
	return ((__u64)cpu << 48) | (__sync_fetch_and_add(&here->stack_keys, 1) + 1);
}

/* Copies the stack from `from` upwards; what can be read of it, in bytes. */
static __always_inline __u32 copy_user_stack(void *to, __u64 from)
{
	__u32 rest_of_page = 4096 - (from & 4095);

	if (!bpf_probe_read_user(to, MAX_SNAPSHOT_BYTES, (void *)from))
		return MAX_SNAPSHOT_BYTES;
	/* The copy runs off the end of the stack's mapping, or into a page that is not there: its own page is. */
	if (rest_of_page <= MAX_SNAPSHOT_BYTES && !bpf_probe_read_user(to, rest_of_page, (void *)from))
		return rest_of_page & ~7u;
	return 0;
}

/* Return addresses that our hooks replaced in the calls that are in progress, innermost first. */
static __always_inline __u32 copy_hooks(struct hooked_return *hooks, struct call_state *calls)
{
	__u32 depth = calls->depth;
	__u32 n = 0;

	for (__u32 i = 0; i < MAX_HOOKS; i++) {
		if (i >= depth)
			break;
		hooks[i].stack_address = calls->frames[i].stack_pointer;
		hooks[i].return_address = calls->frames[i].return_address;
		n++;
	}
	return n;
}

static __always_inline void clear_hooks(struct hooked_return *hooks)
{
	__builtin_memset(hooks, 0, sizeof(*hooks) * MAX_HOOKS);
}

/* Whether this thread may send one more stack: `stacks_per_second`, saved up for a second at most. */
static __always_inline bool take_stack_token(struct thread_state *state, __u64 now)
{
	__u64 each, earliest;

	if (!stacks_per_second)
		return false;
	each = 1000000000ull / stacks_per_second;
	earliest = now - 1000000000ull;
	if (state->stack_tokens_ns < earliest)
		state->stack_tokens_ns = earliest;
	if (state->stack_tokens_ns + each > now)
		return false;
	state->stack_tokens_ns += each;
	return true;
}

/* At switch-out of a target thread: `task` is current, so its user memory can be read. */
static __always_inline __u8 keep_snapshot(struct task_struct *task)
{
	struct snapshot *snapshot = bpf_task_storage_get(&snapshots, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	struct call_state *calls;

	if (!snapshot)
		return SNAPSHOT_FAILED;
	read_user_position(task, &snapshot->record);
	snapshot->record.snapshot_bytes = copy_user_stack(snapshot->bytes, snapshot->record.stack_pointer);
	calls = call_state_of(task);
	snapshot->record.hook_count = calls ? copy_hooks(snapshot->record.hooks, calls) : 0;
	return SNAPSHOT_KEPT;
}

/* Sends what keep_snapshot() kept; the key, or 0 where it could not be sent. */
static __noinline __u64 send_snapshot(struct task_struct *task, __u32 kept, __u64 now, __u32 cpu)
{
	struct probe_counters *of = counters_of(PROBE_USER_STACK);
	struct snapshot *snapshot = kept == SNAPSHOT_KEPT ? bpf_task_storage_get(&snapshots, task, 0, 0) : NULL;
	__u32 ring_key = ring_index(RING_STACK, cpu);
	void *ring = bpf_map_lookup_elem(&rings, &ring_key);
	__u32 bytes;
	__u64 key;

	COUNT_ATOMIC(of, hits, 1);
	if (kept == SNAPSHOT_FAILED) {
		COUNT_ATOMIC(of, lost, 1);
		note_loss(RING_STACK, LOSS_STORAGE, now, 1);
		return 0;
	}
	if (!snapshot || !ring) {
		COUNT_ATOMIC(of, filtered, 1); /* it was no target yet when it left the CPU */
		return 0;
	}
	bytes = snapshot->record.snapshot_bytes;
	if (bytes > MAX_SNAPSHOT_BYTES)
		bytes = MAX_SNAPSHOT_BYTES;
	key = new_stack_key(cpu);
	snapshot->record.key = key;
	snapshot->record.at_ns = now;
	snapshot->record.tid = task->pid;
	snapshot->record.tgid = task->tgid;
	set_header(&snapshot->record.header, RECORD_USER_STACK, sizeof(struct user_stack_record) + bytes, 0, cpu);
	if (bpf_ringbuf_output(ring, snapshot, sizeof(struct user_stack_record) + bytes,
			       wake_flags(ring, RING_STACK, sizeof(struct user_stack_record) + MAX_SNAPSHOT_BYTES))) {
		COUNT_ATOMIC(of, lost, 1);
		note_loss(RING_STACK, LOSS_RING, now, 1);
		return 0;
	}
	if (losses_wait(RING_STACK, cpu))
		tell_losses(RING_STACK, ring_key, now);
	COUNT_ATOMIC(of, emitted, 1);
	return key;
}

struct whole_user_stack {
	struct user_stack_record record;
	__u8 bytes[MAX_SNAPSHOT_BYTES];
};

/* Of a thread that wakes another from a system call of its own: `task` is current. The key, or 0. */
static __noinline __u64 send_waker_stack(struct task_struct *task, __u64 now, __u32 cpu)
{
	struct probe_counters *of = counters_of(PROBE_USER_STACK);
	struct thread_state *state = thread_state_of(task);
	struct whole_user_stack *stack;
	struct call_state *calls;
	void *ring = NULL;
	__u64 key;

	COUNT_ATOMIC(of, hits, 1);
	if (!state || !take_stack_token(state, now)) {
		COUNT_ATOMIC(of, filtered, 1);
		return 0;
	}
	stack = reserve(RING_STACK, cpu, sizeof(*stack), now, &ring);
	if (!stack) {
		COUNT_ATOMIC(of, lost, 1);
		note_loss(RING_STACK, LOSS_RING, now, 1);
		return 0;
	}
	key = new_stack_key(cpu);
	set_header(&stack->record.header, RECORD_USER_STACK, sizeof(*stack), 0, cpu);
	stack->record.key = key;
	stack->record.at_ns = now;
	stack->record.tid = task->pid;
	stack->record.tgid = task->tgid;
	read_user_position(task, &stack->record);
	clear_hooks(stack->record.hooks);
	calls = call_state_of(task);
	stack->record.hook_count = calls ? copy_hooks(stack->record.hooks, calls) : 0;
	stack->record.snapshot_bytes = copy_user_stack(stack->bytes, stack->record.stack_pointer);
	submit(stack, ring, RING_STACK, sizeof(*stack));
	COUNT_ATOMIC(of, emitted, 1);
	return key;
}

/* As the ring holds it: user space cuts it to its `frame_count`. */
struct whole_kernel_stack {
	struct kernel_stack_record record;
	__u64 frames[MAX_KERNEL_FRAMES];
};

#define OF_CURRENT 1

/* The kernel stack of `task`, which sleeps, or of whoever runs now (`how` = OF_CURRENT); the key, or 0. */
static __noinline __u64 send_kernel_stack(void *ctx, struct task_struct *task, __u64 now, __u32 cpu, __u32 how)
{
	struct probe_counters *of = counters_of(PROBE_KERNEL_STACK);
	struct whole_kernel_stack *stack;
	void *ring = NULL;
	__u64 key;
	long bytes;

	COUNT_ATOMIC(of, hits, 1);
	stack = reserve(RING_STACK, cpu, sizeof(*stack), now, &ring);
	if (!stack) {
		COUNT_ATOMIC(of, lost, 1);
		note_loss(RING_STACK, LOSS_RING, now, 1);
		return 0;
	}
	if (how == OF_CURRENT)
		bytes = bpf_get_stack(ctx, stack->frames, sizeof(stack->frames), 0);
	else
		bytes = bpf_get_task_stack(task, stack->frames, sizeof(stack->frames), 0);
	if (bytes <= 0) {
		bpf_ringbuf_discard(stack, BPF_RB_NO_WAKEUP);
		COUNT_ATOMIC(of, filtered, 1);
		return 0;
	}
	key = new_stack_key(cpu);
	set_header(&stack->record.header, RECORD_KERNEL_STACK, sizeof(*stack), 0, cpu);
	stack->record.key = key;
	stack->record.at_ns = now;
	stack->record.tid = task->pid;
	stack->record.frame_count = bytes / 8;
	submit(stack, ring, RING_STACK, sizeof(*stack));
	COUNT_ATOMIC(of, emitted, 1);
	return key;
}

#endif
