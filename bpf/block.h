/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Requests to block devices: queued, issued, done. One is remembered by its address from when it is first met until it is
 * done. Its wake-ups run inside its completion, on the same CPU: so the last request that a CPU completed is the one that
 * a wake-up from a block interrupt there is about.
 *
 * A limit of a control group (blk-throttle) holds a bio back before it becomes a request: no tracepoint tells of that
 * time, and it stands before the start of the request.
 */
#ifndef WAKECHAIN_BLOCK_H
#define WAKECHAIN_BLOCK_H

#define OPERATION_MASK 0xff

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct block_record);
} block_requests SEC(".maps");

static __always_inline __u32 device_of_request(struct request *request)
{
	struct gendisk *disk;

	if (bpf_core_field_exists(request->q->disk))
		disk = BPF_CORE_READ(request, q, disk);
	else
		disk = BPF_CORE_READ((struct request___own_disk *)request, rq_disk);
	return (__u32)BPF_CORE_READ(disk, major) << 20 | (__u32)BPF_CORE_READ(disk, first_minor);
}

/* What is known of a request by itself; it may be done in parts later, and merged into until it is issued. */
static __always_inline void read_request(struct block_record *record, struct request *request, __u64 now)
{
	record->sector = request->__sector;
	record->bytes = request->__data_len;
	record->operation = request->cmd_flags & OPERATION_MASK;
	record->device = device_of_request(request);
	if (!record->queued_ns)
		record->queued_ns = request->start_time_ns && request->start_time_ns < now ? request->start_time_ns : now;
}

/* Whoever asks for it: the thread that runs, unless an interrupt has only borrowed it. */
static __always_inline __u32 who_asks(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	__u32 preempt_count = 0;

	if (read_preempt_count(task, &preempt_count) && preempt_count & (HARD_INTERRUPT_MASK | SERVING_SOFT_INTERRUPT))
		return 0;
	return task->pid;
}

static __always_inline bool asked_by_collector(void)
{
	return bpf_get_current_pid_tgid() >> 32 == collector_tgid;
}

/* Met for the first time, or again: `issued` at the time `now`. */
static __always_inline int meet_request(struct request *request, __u32 probe, __u64 now, bool issued)
{
	struct probe_counters *of = counters_of(probe);
	__u64 key = (__u64)request;
	struct block_record *known, fresh = {};

	COUNT_ATOMIC(of, hits, 1);
	known = issued ? bpf_map_lookup_elem(&block_requests, &key) : NULL;
	if (known) {
		read_request(known, request, now);
		known->issued_ns = now;
		COUNT_ATOMIC(of, merged, 1);
		return 0;
	}
	read_request(&fresh, request, now);
	fresh.issued_ns = issued ? now : 0;
	fresh.tid = who_asks();
	if (asked_by_collector())
		fresh.header.flags = BLOCK_OWN;
	/* With no room its completion tells of it, without who asked and how long it was queued. */
	if (bpf_map_update_elem(&block_requests, &key, &fresh, BPF_ANY))
		COUNT_ATOMIC(of, filtered, 1);
	else
		COUNT_ATOMIC(of, merged, 1);
	return 0;
}

SEC("tp_btf/block_rq_insert")
int BPF_PROG(on_block_insert, struct request *request)
{
	__u64 now = bpf_ktime_get_ns();

	return recording(now) ? meet_request(request, PROBE_BLOCK_QUEUE, now, false) : 0;
}

SEC("tp_btf/block_rq_issue")
int BPF_PROG(on_block_issue, struct request *request)
{
	__u64 now = bpf_ktime_get_ns();

	return recording(now) ? meet_request(request, PROBE_BLOCK_ISSUE, now, true) : 0;
}

/* It became part of another. */
SEC("tp_btf/block_rq_merge")
int BPF_PROG(on_block_merge, struct request *request)
{
	struct probe_counters *of = counters_of(PROBE_BLOCK_MERGE);
	__u64 key = (__u64)request;

	if (!recording(bpf_ktime_get_ns()))
		return 0;
	COUNT_ATOMIC(of, hits, 1);
	COUNT_ATOMIC(of, merged, 1);
	bpf_map_delete_elem(&block_requests, &key);
	return 0;
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(on_block_complete, struct request *request, int error, unsigned int bytes)
{
	struct probe_counters *of = counters_of(PROBE_BLOCK_DONE);
	__u32 cpu = bpf_get_smp_processor_id();
	struct cpu_state *here = bpf_map_lookup_elem(&cpu_states, &cpu);
	struct block_record *known, *record;
	__u64 now = bpf_ktime_get_ns();
	__u64 key = (__u64)request;
	void *ring = NULL;

	if (!recording(now) || !here)
		return 0;
	COUNT_ATOMIC(of, hits, 1);
	here->completed_request = 0;
	if (bytes < request->__data_len) {
		COUNT_ATOMIC(of, merged, 1); /* the rest is still to come */
		return 0;
	}
	known = bpf_map_lookup_elem(&block_requests, &key);
	if (known && known->header.flags & BLOCK_OWN) {
		bpf_map_delete_elem(&block_requests, &key);
		COUNT_ATOMIC(of, filtered, 1);
		return 0;
	}
	record = reserve(RING_HOST, cpu, sizeof(*record), now, &ring);
	if (!record) {
		bpf_map_delete_elem(&block_requests, &key);
		COUNT_ATOMIC(of, lost, 1);
		note_loss(RING_HOST, LOSS_RING, now, 1);
		return 0;
	}
	if (known) {
		__builtin_memcpy(record, known, sizeof(*record));
	} else {
		__builtin_memset(record, 0, sizeof(*record));
		read_request(record, request, now);
	}
	set_header(&record->header, RECORD_BLOCK, sizeof(*record), 0, cpu);
	record->id = ((__u64)cpu << 48) | (__sync_fetch_and_add(&here->requests, 1) + 1);
	record->done_ns = now;
	here->completed_request = record->id;
	submit(record, ring, RING_HOST, sizeof(*record));
	bpf_map_delete_elem(&block_requests, &key);
	COUNT_ATOMIC(of, emitted, 1);
	return 0;
}

#endif
