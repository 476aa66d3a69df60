/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * CUDA calls: one program for all functions of all libraries, told apart by the cookie (probe index | flags << 32).
 *
 * Each thread keeps a small stack of the calls it is in: nesting (the runtime calls the driver), arguments until the
 * return, and the return addresses that our hooks replaced. A frame is known by its stack pointer, so that a call which
 * never returns (longjmp, exception) is noticed by the next call further up, and does not upset the others.
 */
#ifndef WAKECHAIN_CUDA_H
#define WAKECHAIN_CUDA_H

#define RUN_RETURN 0
#define SKIP_RETURN 1

struct call_end {
	__u64 end_ns;
	__u64 output;
	__u64 user_stack;
	__s32 result;
	__u32 flags;
	__u32 tid;
	__u32 depth;
};

static __always_inline void fill_call(struct call_record *record, struct call_frame *frame, struct call_end *end)
{
	record->start_ns = frame->start_ns;
	record->end_ns = end->end_ns;
	record->call_site = frame->return_address;
	record->user_stack = end->user_stack;
	record->tid = end->tid;
	record->probe = frame->probe;
	record->result = end->result;
	record->depth = end->depth;
}

static __always_inline void fill_call_args(struct call_args_record *record, struct call_frame *frame, struct call_end *end)
{
	fill_call(&record->base, frame, end);
	__builtin_memcpy(record->args, frame->args, sizeof(record->args));
	__builtin_memcpy(record->stack_words, frame->stack_words, sizeof(record->stack_words));
	record->output = end->output;
}

/* Global (see ring.h). */
__noinline int send_call(struct call_frame *frame, struct call_end *end, __u64 now)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct probe_counters *of;
	void *ring = NULL;

	if (!frame || !end)
		return 0;
	of = counters_of(frame->probe);
	if (frame->flags & COOKIE_WANTS_ARGS) {
		struct call_args_record *record = reserve(RING_CUDA, cpu, sizeof(*record), now, &ring);

		if (!record)
			goto lost;
		set_header(&record->base.header, RECORD_CALL_ARGS, sizeof(*record), end->flags, cpu);
		fill_call_args(record, frame, end);
		submit(record, ring, RING_CUDA, sizeof(*record));
	} else {
		struct call_record *record = reserve(RING_CUDA, cpu, sizeof(*record), now, &ring);

		if (!record)
			goto lost;
		set_header(&record->header, RECORD_CALL, sizeof(*record), end->flags, cpu);
		fill_call(record, frame, end);
		submit(record, ring, RING_CUDA, sizeof(*record));
	}
	COUNT_ATOMIC(of, emitted, 1);
	return 0;
lost:
	COUNT_ATOMIC(of, lost, 1);
	note_loss(RING_CUDA, LOSS_RING, now, 1);
	return 0;
}

/* ---- memory that an argument leads to ---------------------------------------------------------------------------- */

struct whole_call_text {
	struct call_text_record record;
	__u8 text[CALL_TEXT_BYTES];
};

/* The argument of this number, from 1; 0 where there is none such. The barrier keeps check and use in one register: the
 * verifier of 6.1 does not carry a bound from one to the other. */
static __always_inline __u64 argument_of(struct call_frame *frame, __u32 number)
{
	__u64 index = (__u64)number - 1;

	barrier_var(index);
	return index < CALL_ARGS ? frame->args[index] : 0;
}

/* Where the memory is that the cookie asks for; 0 = nowhere. */
static __always_inline __u64 wanted_memory(struct call_frame *frame, struct call_end *end)
{
	__u32 source = (frame->flags & COOKIE_MEMORY_SOURCE_MASK) >> COOKIE_MEMORY_SOURCE_SHIFT;
	__u64 from = ((frame->flags & COOKIE_MEMORY_WORD_MASK) >> COOKIE_MEMORY_WORD_SHIFT) * 8;
	__u64 base = 0;

	if (source == COOKIE_MEMORY_ON_STACK)
		base = frame->stack_pointer + RETURN_POPS;
	else if (frame->flags & COOKIE_MEMORY_AT_OUTPUT)
		base = end->output;
	else
		base = argument_of(frame, source);
	return base ? base + from : 0;
}

/* A longer piece: `finalize` gets only what was read of it. */
static __noinline void send_call_with_text(struct call_frame *frame, struct call_end *end, __u64 now)
{
	struct probe_counters *of = counters_of(frame->probe);
	__u32 words = (frame->flags & COOKIE_MEMORY_WORDS_MASK) >> COOKIE_MEMORY_WORDS_SHIFT;
	__u32 cpu = bpf_get_smp_processor_id();
	struct whole_call_text *whole;
	void *ring = NULL;
	long bytes = 0;

	whole = reserve(RING_CUDA, cpu, sizeof(*whole), now, &ring);
	if (!whole) {
		COUNT_ATOMIC(of, lost, 1);
		note_loss(RING_CUDA, LOSS_RING, now, 1);
		return;
	}
	if (frame->flags & COOKIE_MEMORY_TEXT)
		bytes = bpf_probe_read_user_str(whole->text, CALL_TEXT_BYTES, (void *)wanted_memory(frame, end));
	else if (!bpf_probe_read_user(whole->text, (words & 31) * 8, (void *)wanted_memory(frame, end)))
		bytes = (words & 31) * 8;
	if (bytes > 0)
		end->flags |= CALL_HAS_MEMORY;
	set_header(&whole->record.args.base.header, RECORD_CALL_TEXT, sizeof(*whole), end->flags, cpu);
	fill_call_args(&whole->record.args, frame, end);
	whole->record.text_bytes = bytes > 0 ? bytes : 0;
	whole->record.reserved = 0;
	submit(whole, ring, RING_CUDA, sizeof(*whole));
	COUNT_ATOMIC(of, emitted, 1);
}

static __noinline void send_call_with_memory(struct call_frame *frame, struct call_end *end, __u64 now)
{
	struct probe_counters *of = counters_of(frame->probe);
	__u32 words = (frame->flags & COOKIE_MEMORY_WORDS_MASK) >> COOKIE_MEMORY_WORDS_SHIFT;
	__u32 cpu = bpf_get_smp_processor_id();
	struct call_memory_record *record;
	void *ring = NULL;

	if (words > CALL_MEMORY_WORDS || frame->flags & COOKIE_MEMORY_TEXT) {
		send_call_with_text(frame, end, now);
		return;
	}
	record = reserve(RING_CUDA, cpu, sizeof(*record), now, &ring);
	if (!record) {
		COUNT_ATOMIC(of, lost, 1);
		note_loss(RING_CUDA, LOSS_RING, now, 1);
		return;
	}
	__builtin_memset(record->memory, 0, sizeof(record->memory));
	if (!bpf_probe_read_user(record->memory, words * 8, (void *)wanted_memory(frame, end)))
		end->flags |= CALL_HAS_MEMORY;
	set_header(&record->args.base.header, RECORD_CALL_MEMORY, sizeof(*record), end->flags, cpu);
	fill_call_args(&record->args, frame, end);
	submit(record, ring, RING_CUDA, sizeof(*record));
	COUNT_ATOMIC(of, emitted, 1);
}

/* A call of which no return will be seen any more: `why` is CALL_OPEN or CALL_ABANDONED. */
static __noinline void drop_top_frame(struct call_state *calls, __u32 tid, __u64 now, __u32 why)
{
	struct call_end end = {};
	__u32 top = calls->depth - 1;

	if (top >= MAX_DEPTH)
		return;
	calls->depth = top;
	end.tid = tid;
	end.depth = top;
	end.flags = why;
	send_call(&calls->frames[top], &end, now);
}

/* The frame's probe was taken away since: whether the call has returned is not known. */
static __always_inline bool is_unwatched(struct call_frame *frame)
{
	return frame->order >> 8 != order_for(frame->probe) >> 8;
}

static __noinline void end_calls(struct task_struct *task, __u64 now, __u32 why)
{
	struct call_state *calls = call_state_of(task);

	if (!calls)
		return;
	for (int i = 0; i < MAX_DEPTH; i++) {
		__u32 top = calls->depth - 1;

		if (top >= MAX_DEPTH)
			return;
		drop_top_frame(calls, task->pid, now, is_unwatched(&calls->frames[top]) ? CALL_ABANDONED : why);
	}
}

/*
 * Frames further down the stack than `stack_pointer` cannot be alive: their functions were left without a return. Nor is
 * anything known of those that nobody watches any more.
 */
static __noinline void drop_dead_frames(struct call_state *calls, __u64 stack_pointer, __u64 found_there, __u32 tid,
					__u64 now)
{
	for (int i = 0; i < MAX_DEPTH; i++) {
		__u32 top = calls->depth - 1;

		if (top >= MAX_DEPTH)
			return;
		if (calls->frames[top].stack_pointer > stack_pointer && !is_unwatched(&calls->frames[top]))
			return;
		/* At the same place: a tail call finds the hook's trampoline (a page of its own) instead of a return address. */
		if (calls->frames[top].stack_pointer == stack_pointer && !(found_there & 4095) &&
		    !is_unwatched(&calls->frames[top]) && found_there != calls->frames[top].return_address)
			return;
		drop_top_frame(calls, tid, now, CALL_ABANDONED);
	}
}

/* ---- entry ------------------------------------------------------------------------------------------------------- */

static __always_inline bool calling_thread_is_target(__u32 tgid)
{
	if (bpf_map_lookup_elem(&targets, &tgid))
		return true;
	if (target_everyone && tgid != collector_tgid) {
		__u32 found = 1;

		bpf_map_update_elem(&targets, &tgid, &found, BPF_ANY);
		__sync_fetch_and_add(&target_generation, 1);
		return true;
	}
	return false;
}

static __always_inline int on_entry(probe_registers *ctx)
{
	__u64 now = bpf_ktime_get_ns();
	__u64 cookie, ids, stack_pointer, return_address;
	struct probe_counters *of;
	struct task_struct *task;
	struct call_state *calls;
	struct call_frame *frame;
	__u64 words[CALL_STACK_WORDS] = {};
	__u32 depth, flags, order;
	bool calibrates;

	if (!recording(now) && !calibrating)
		return SKIP_RETURN;
	cookie = bpf_get_attach_cookie(ctx);
	calibrates = (__u32)cookie == PROBE_CALIBRATION;
	if (calibrating && !calibrates)
		return SKIP_RETURN;
	flags = cookie >> 32;
	of = counters_of((__u32)cookie);
	COUNT_ATOMIC(of, hits, 1);
	ids = bpf_get_current_pid_tgid();
	task = (struct task_struct *)bpf_get_current_task_btf();
	calls = call_state_of_caller(task, false);
	if (!calls) {
		if (!calibrates && !calling_thread_is_target(ids >> 32)) {
			COUNT_ATOMIC(of, filtered, 1);
			return SKIP_RETURN;
		}
		calls = call_state_of_caller(task, true);
		if (!calls) {
			COUNT_ATOMIC(of, lost, 1);
			note_loss(RING_CUDA, LOSS_STORAGE, now, 1);
			return SKIP_RETURN;
		}
	}
	order = order_for((__u32)cookie);
	if (LEVEL_OF(order) >= LEVEL_OFF || beyond_limit(now)) {
		COUNT_ATOMIC(of, filtered, 1);
		return SKIP_RETURN;
	}
	charge(calls, now, LEVEL_OF(order) == LEVEL_ENTRIES ? price_entry_ns : price_call_ns);
	stack_pointer = stack_pointer_of(ctx);
	return_address = read_return_address(ctx, words, flags & COOKIE_WANTS_STACK_WORDS);
	if (calls->depth)
		drop_dead_frames(calls, stack_pointer, return_address, (__u32)ids, now);
	depth = calls->depth;
	if (depth >= MAX_DEPTH) {
		COUNT_ATOMIC(of, lost, 1);
		note_loss(RING_CUDA, LOSS_STORAGE, now, 1);
		return SKIP_RETURN;
	}
	frame = &calls->frames[depth];
	/* A tail call returns to where its caller would have. */
	if (depth && calls->frames[(depth - 1) & (MAX_DEPTH - 1)].stack_pointer == stack_pointer)
		return_address = calls->frames[(depth - 1) & (MAX_DEPTH - 1)].return_address;
	frame->start_ns = now;
	frame->stack_pointer = stack_pointer;
	frame->return_address = return_address;
	frame->probe = cookie;
	frame->flags = flags;
	frame->order = order;
	if (flags & COOKIE_WANTS_ARGS) {
		read_arguments(ctx, frame->args);
		__builtin_memcpy(frame->stack_words, words, sizeof(words));
	}
	if (LEVEL_OF(order) == LEVEL_ENTRIES) {
		struct call_end end = {.flags = CALL_NO_RETURN_PROBE, .tid = ids, .depth = depth};

		send_call(frame, &end, now);
		return SKIP_RETURN;
	}
	calls->depth = depth + 1;
	return RUN_RETURN;
}

/* ---- return ------------------------------------------------------------------------------------------------------ */

/* The stack of a call that just returned: that of its entry, less the function itself. */
static __noinline __u64 send_call_stack(probe_registers *ctx, struct call_state *calls, struct call_frame *frame, __u64 now)
{
	struct probe_counters *of = counters_of(PROBE_USER_STACK);
	__u64 ids = bpf_get_current_pid_tgid();
	__u32 cpu = bpf_get_smp_processor_id();
	struct whole_user_stack *stack;
	void *ring = NULL;
	__u64 key;

	COUNT_ATOMIC(of, hits, 1);
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
	stack->record.tid = ids;
	stack->record.tgid = ids >> 32;
	stack->record.instruction_pointer = frame->return_address;
	stack->record.stack_pointer = stack_pointer_of(ctx);
	stack->record.frame_pointer = frame_pointer_of(ctx);
	stack->record.link_register = 0;
	clear_hooks(stack->record.hooks);
	stack->record.hook_count = copy_hooks(stack->record.hooks, calls);
	stack->record.snapshot_bytes = copy_user_stack(stack->bytes, stack->record.stack_pointer);
	submit(stack, ring, RING_STACK, sizeof(*stack));
	COUNT_ATOMIC(of, emitted, 1);
	return key;
}

static __always_inline bool call_wants_stack(struct task_struct *task, struct call_frame *frame, __u64 now)
{
	struct probe_counters *of;
	struct thread_state *state;

	if (!stacks_per_second)
		return false;
	if (calibrating)
		return calibrating == 2;
	if (now - frame->start_ns < call_threshold_ns) {
		of = counters_of(frame->probe);
		if (!of || of->hits > first_calls)
			return false;
	}
	state = LEVEL_OF(order_for(frame->probe)) == LEVEL_ALL ? thread_state_of_caller(task) : NULL;
	if (state && take_stack_token(state, now))
		return true;
	COUNT_ATOMIC(counters_of(PROBE_USER_STACK), hits, 1);
	COUNT_ATOMIC(counters_of(PROBE_USER_STACK), filtered, 1);
	return false;
}

static __always_inline int on_return(probe_registers *ctx)
{
	__u64 now = bpf_ktime_get_ns();
	__u64 cookie, ids, stack_pointer, argument;
	struct task_struct *task;
	struct call_state *calls;
	struct call_frame *frame;
	struct call_end end = {};
	__u32 top, output;

	if (!recording(now) && !calibrating)
		return 0;
	task = (struct task_struct *)bpf_get_current_task_btf();
	calls = call_state_of_caller(task, false);
	if (!calls)
		return 0;
	cookie = bpf_get_attach_cookie(ctx);
	ids = bpf_get_current_pid_tgid();
	stack_pointer = stack_pointer_of(ctx) - RETURN_POPS;
	for (int i = 0; i < MAX_DEPTH; i++) {
		top = calls->depth - 1;
		/* Above: it was entered before the recording began, or beyond MAX_DEPTH, and is not ours to tell. */
		if (top >= MAX_DEPTH || calls->frames[top].stack_pointer > stack_pointer)
			return 0;
		if (calls->frames[top].stack_pointer == stack_pointer && calls->frames[top].probe == (__u32)cookie)
			break;
		drop_top_frame(calls, ids, now, CALL_ABANDONED);
	}
	top = calls->depth - 1;
	if (top >= MAX_DEPTH)
		return 0;
	frame = &calls->frames[top];
	calls->depth = top;
	end.end_ns = now;
	end.result = result_of(ctx);
	end.tid = ids;
	end.depth = top;
	output = (frame->flags & COOKIE_OUTPUT_MASK) >> COOKIE_OUTPUT_SHIFT;
	if (output && !end.result) {
		argument = argument_of(frame, output);
		if (argument && !bpf_probe_read_user(&end.output, sizeof(end.output), (void *)argument))
			end.flags |= CALL_HAS_OUTPUT;
	}
	if (call_wants_stack(task, frame, now)) {
		charge(calls, now, price_stack_ns);
		end.user_stack = send_call_stack(ctx, calls, frame, now);
	}
	if (frame->flags & COOKIE_MEMORY_SOURCE_MASK)
		send_call_with_memory(frame, &end, now);
	else
		send_call(frame, &end, now);
	return 0;
}

/* ---- the ladder: a program for each way of attaching; user space loads those of the best that the kernel has ----- */

/* Kernel 7 gives these functions the context. */
extern bool bpf_session_is_return(void) __ksym __weak;
extern bool bpf_session_is_return___ctx(void *ctx) __ksym __weak;

SEC("uprobe.session")
int cuda_session(probe_registers *ctx)
{
	bool returns;

	if (bpf_ksym_exists(bpf_session_is_return___ctx))
		returns = bpf_session_is_return___ctx(ctx);
	else
		returns = bpf_session_is_return();
	return returns ? on_return(ctx) : on_entry(ctx);
}

SEC("uprobe.multi")
int cuda_multi_entry(probe_registers *ctx)
{
	on_entry(ctx);
	return 0;
}

SEC("uretprobe.multi")
int cuda_multi_return(probe_registers *ctx)
{
	on_return(ctx);
	return 0;
}

SEC("uprobe")
int cuda_link_entry(probe_registers *ctx)
{
	on_entry(ctx);
	return 0;
}

SEC("uretprobe")
int cuda_link_return(probe_registers *ctx)
{
	on_return(ctx);
	return 0;
}

#endif
