/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A thread's user registers, by processor: the system call that it is in, and the arguments of a probed function.
 *
 * While a thread is in the kernel its user registers lie at the top of its kernel stack (bpf_task_pt_regs): they tell
 * the system call and its arguments without any system call tracepoint, for a thread that sleeps as for one that wakes.
 */
#ifndef WAKECHAIN_REGISTERS_H
#define WAKECHAIN_REGISTERS_H

/* The same on both processors. */
#define SYS_EPOLL_PWAIT2 441
#define SYS_FUTEX_WAITV 449
#define SYS_FUTEX_WAIT 455

#if defined(__TARGET_ARCH_x86)

#define SYS_FUTEX 202
#define SYS_POLL 7
#define SYS_SELECT 23
#define SYS_NANOSLEEP 35
#define SYS_WAIT4 61
#define SYS_SIGTIMEDWAIT 128
#define SYS_CLOCK_NANOSLEEP 230
#define SYS_EPOLL_WAIT 232
#define SYS_WAITID 247
#define SYS_PSELECT6 270
#define SYS_PPOLL 271
#define SYS_EPOLL_PWAIT 281
#define TS_COMPAT 2
/* How far a return moves the stack pointer beyond the one at entry. */
#define RETURN_POPS 8

/* A macro: CO-RE would look for a type of this name. */
#define probe_registers struct pt_regs

static __always_inline void read_system_call(struct task_struct *task, struct system_call *call)
{
	struct pt_regs *regs;

	call->number = -1;
	call->known = 1;
	if (task->flags & PF_KTHREAD)
		return;
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	/* Entries by interrupt or fault leave -1. 32-bit numbers mean other calls. */
	if ((long)regs->orig_ax < 0 || task->thread_info.status & TS_COMPAT)
		return;
	call->number = regs->orig_ax;
	call->args[0] = regs->di;
	call->args[1] = regs->si;
	call->args[2] = regs->dx;
	call->args[3] = regs->r10;
}

/* The fifth (4) and sixth (5) argument of a system call, which few need. */
static __always_inline __u64 late_argument(struct task_struct *task, __u32 index)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

	return index == 4 ? regs->r8 : regs->r9;
}

static __always_inline void read_user_position(struct task_struct *task, struct user_stack_record *record)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

	record->instruction_pointer = regs->ip;
	record->stack_pointer = regs->sp;
	record->frame_pointer = regs->bp;
	record->link_register = 0;
}

static __always_inline __u64 stack_pointer_of(probe_registers *ctx)
{
	return ctx->sp;
}

static __always_inline __u64 frame_pointer_of(probe_registers *ctx)
{
	return ctx->bp;
}

static __always_inline __s32 result_of(probe_registers *ctx)
{
	return ctx->ax;
}

static __always_inline void read_arguments(probe_registers *ctx, __u64 *args)
{
	args[0] = ctx->di;
	args[1] = ctx->si;
	args[2] = ctx->dx;
	args[3] = ctx->cx;
	args[4] = ctx->r8;
	args[5] = ctx->r9;
}

/* The return address and the words above it, in one read. */
static __always_inline __u64 read_return_address(probe_registers *ctx, __u64 *stack_words, bool wants_words)
{
	__u64 words[1 + CALL_STACK_WORDS] = {};

	if (wants_words) {
		if (bpf_probe_read_user(words, sizeof(words), (void *)ctx->sp))
			bpf_probe_read_user(words, 8, (void *)ctx->sp);
		stack_words[0] = words[1];
		stack_words[1] = words[2];
		stack_words[2] = words[3];
		stack_words[3] = words[4];
	} else {
		bpf_probe_read_user(words, 8, (void *)ctx->sp);
	}
	return words[0];
}

/*
 * The preempt count is a variable of each CPU, whose address most kernels do not tell. But every task leads to its CPU's
 * run queue, another such variable, and the type information tells how far apart the two are.
 */
static __always_inline bool read_preempt_count(struct task_struct *current_task, __u32 *count)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct cpu_state *here = bpf_map_lookup_elem(&cpu_states, &cpu);

	if (!preempt_count_known || !here || !bpf_core_field_exists(((struct cfs_rq *)0)->rq))
		return false;
	if (!here->preempt_count_at) {
		struct rq *run_queue = BPF_CORE_READ(current_task, se.cfs_rq, rq);

		if (!run_queue)
			return false;
		here->preempt_count_at = (__u64)run_queue + preempt_count_from_run_queue;
	}
	return !bpf_probe_read_kernel(count, sizeof(*count), (void *)here->preempt_count_at);
}

#elif defined(__TARGET_ARCH_arm64)

#define SYS_FUTEX 98
/* aarch64 never had these. */
#define SYS_POLL 100000
#define SYS_SELECT 100001
#define SYS_EPOLL_WAIT 100002
#define SYS_EPOLL_PWAIT 22
#define SYS_PSELECT6 72
#define SYS_PPOLL 73
#define SYS_WAITID 95
#define SYS_NANOSLEEP 101
#define SYS_CLOCK_NANOSLEEP 115
#define SYS_SIGTIMEDWAIT 137
#define SYS_WAIT4 260
#define TIF_32BIT (1 << 22)
#define RETURN_POPS 0

#define probe_registers struct user_pt_regs

static __always_inline void read_system_call(struct task_struct *task, struct system_call *call)
{
	struct pt_regs *regs;

	call->number = -1;
	call->known = 1;
	if (task->flags & PF_KTHREAD)
		return;
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	if (regs->syscallno < 0 || task->thread_info.flags & TIF_32BIT)
		return;
	call->number = regs->syscallno;
	call->args[0] = regs->orig_x0;
	call->args[1] = regs->regs[1];
	call->args[2] = regs->regs[2];
	call->args[3] = regs->regs[3];
}

/* The fifth (4) and sixth (5) argument of a system call, which few need. */
static __always_inline __u64 late_argument(struct task_struct *task, __u32 index)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

	return index == 4 ? regs->regs[4] : regs->regs[5];
}

static __always_inline void read_user_position(struct task_struct *task, struct user_stack_record *record)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

	record->instruction_pointer = regs->pc;
	record->stack_pointer = regs->sp;
	record->frame_pointer = regs->regs[29];
	record->link_register = regs->regs[30];
}

static __always_inline __u64 stack_pointer_of(probe_registers *ctx)
{
	return ctx->sp;
}

static __always_inline __u64 frame_pointer_of(probe_registers *ctx)
{
	return ctx->regs[29];
}

static __always_inline __s32 result_of(probe_registers *ctx)
{
	return ctx->regs[0];
}

static __always_inline void read_arguments(probe_registers *ctx, __u64 *args)
{
	args[0] = ctx->regs[0];
	args[1] = ctx->regs[1];
	args[2] = ctx->regs[2];
	args[3] = ctx->regs[3];
	args[4] = ctx->regs[4];
	args[5] = ctx->regs[5];
}

/* The return address is in the link register. Words: x6 and x7, then the first two of the stack. */
static __always_inline __u64 read_return_address(probe_registers *ctx, __u64 *stack_words, bool wants_words)
{
	if (wants_words) {
		stack_words[0] = ctx->regs[6];
		stack_words[1] = ctx->regs[7];
		bpf_probe_read_user(&stack_words[2], 16, (void *)ctx->sp);
	}
	return ctx->regs[30];
}

static __always_inline bool read_preempt_count(struct task_struct *current_task, __u32 *count)
{
	*count = current_task->thread_info.preempt_count;
	return true;
}

#endif

/* Whether a perf event found the processor in the kernel. */
static __always_inline bool was_in_kernel(struct bpf_perf_event_data *ctx)
{
#if defined(__TARGET_ARCH_x86)
	return (ctx->registers[17] & 3) == 0; /* cs */
#else
	return (ctx->registers[33] & 15) != 0; /* pstate */
#endif
}

static __always_inline __u32 cpu_of(struct task_struct *task)
{
	if (bpf_core_field_exists(task->thread_info.cpu))
		return task->thread_info.cpu;
	return BPF_CORE_READ((struct task_struct___own_cpu *)task, cpu);
}

static __always_inline __u32 state_of(struct task_struct *task)
{
	if (bpf_core_field_exists(task->__state))
		return task->__state;
	return BPF_CORE_READ((struct task_struct___volatile_state *)task, state);
}

#endif
