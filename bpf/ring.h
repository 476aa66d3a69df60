/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Getting a record to user space, and counting what became of each event.
 *
 * The reader is never woken for each record (that alone would cost more than all else): only when `wake_bytes` more have
 * gathered; a timer in user space is the floor. A ring that is full gets a second try in the next CPU's ring of the same
 * class. What is still lost is counted, and bounded in time by the first failure and the next success.
 */
#ifndef WAKECHAIN_RING_H
#define WAKECHAIN_RING_H

static __always_inline struct probe_counters *counters_of(__u32 probe)
{
	return bpf_map_lookup_elem(&counters, &probe);
}

/* A uprobe's program can be preempted, and another thread's then runs on the same CPU: its counts must be atomic. */
#define COUNT_ATOMIC(of, way, n)                                                                                        \
	do {                                                                                                            \
		struct probe_counters *counters_ = (of);                                                                \
		if (counters_)                                                                                          \
			__sync_fetch_and_add(&counters_->way, (n));                                                     \
	} while (0)

static __always_inline __u32 ring_index(__u32 class, __u32 cpu)
{
	if (class == RING_LIFE)
		return 0;
	return 1 + (class - 1) * rings_per_class + cpu % rings_per_class;
}

static __always_inline struct pending_loss *pending_loss_of(__u32 class, __u32 source, __u32 cpu)
{
	__u32 key = (class * 2 + source - 1) * rings_per_class + cpu % rings_per_class;

	return bpf_map_lookup_elem(&pending_losses, &key);
}

/*
 * Functions without `static` are global ones: the verifier looks at each once, and not again on every way that leads to
 * it, which for the long programs is what their load costs. They take numbers and pointers to plain memory alone.
 */
__noinline int note_loss(__u32 class, __u32 source, __u64 now, __u32 events)
{
	struct pending_loss *loss = pending_loss_of(class, source, bpf_get_smp_processor_id());

	if (!loss)
		return 0;
	if (!loss->events)
		loss->start_ns = now;
	__sync_fetch_and_add(&loss->events, events);
	return 0;
}

static __always_inline __u64 wake_flags(void *ring, __u32 class, __u32 bytes)
{
	__u64 step = wake_bytes[class % RING_CLASSES];
	__u64 waiting = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);

	/* Woken when a multiple of `step` was just crossed: once for each, not for every record beyond. */
	return (waiting & ~(step - 1)) != ((waiting - bytes) & ~(step - 1)) ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

static __always_inline void tell_loss(void *ring, __u32 class, __u32 source, __u64 now, __u32 cpu)
{
	struct pending_loss *loss = pending_loss_of(class, source, cpu);
	struct loss_record *record;
	__u64 start;

	if (!loss || !loss->events)
		return;
	record = bpf_ringbuf_reserve(ring, sizeof(*record), 0);
	if (!record)
		return;
	start = loss->start_ns;
	record->header.bytes = sizeof(*record);
	record->header.kind = RECORD_LOSS;
	record->header.flags = 0;
	record->header.cpu = cpu;
	record->start_ns = start;
	record->end_ns = now;
	record->events = __sync_lock_test_and_set(&loss->events, 0);
	record->ring = class;
	record->source = source;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

/* A success after failures: tells in ring `key` of `class` how many were lost since when. */
__noinline int tell_losses(__u32 class, __u32 key, __u64 now)
{
	__u32 cpu = bpf_get_smp_processor_id();
	void *ring = bpf_map_lookup_elem(&rings, &key);

	if (!ring)
		return 0;
	tell_loss(ring, class, LOSS_RING, now, cpu);
	tell_loss(ring, class, LOSS_STORAGE, now, cpu);
	return 0;
}

static __always_inline bool losses_wait(__u32 class, __u32 cpu)
{
	struct pending_loss *full = pending_loss_of(class, LOSS_RING, cpu);
	struct pending_loss *unkept = pending_loss_of(class, LOSS_STORAGE, cpu);

	return full && unkept && (full->events | unkept->events);
}

/*
 * Room for a record of `size` (a constant) bytes in a ring of `class`, or NULL; `*used` is the ring that had it.
 * The caller counts the loss, since it knows how many rows the record stands for.
 */
static __always_inline void *reserve(__u32 class, __u32 cpu, __u64 size, __u64 now, void **used)
{
	__u32 key = ring_index(class, cpu);
	void *ring = bpf_map_lookup_elem(&rings, &key);
	void *record;

	if (!ring)
		return NULL;
	record = bpf_ringbuf_reserve(ring, size, 0);
	if (!record && class != RING_LIFE) {
		key = ring_index(class, cpu + 1);
		ring = bpf_map_lookup_elem(&rings, &key);
		if (!ring)
			return NULL;
		record = bpf_ringbuf_reserve(ring, size, 0);
	}
	if (!record)
		return NULL;
	*used = ring;
	if (losses_wait(class, cpu))
		tell_losses(class, key, now);
	return record;
}

#define HEADER_BYTES 8 /* that the ring itself puts before each record */

static __always_inline void submit(void *record, void *ring, __u32 class, __u32 bytes)
{
	bpf_ringbuf_submit(record, wake_flags(ring, class, bytes + HEADER_BYTES));
}

static __always_inline void set_header(struct record_header *header, __u8 kind, __u16 bytes, __u8 flags, __u32 cpu)
{
	header->bytes = bytes;
	header->kind = kind;
	header->flags = flags;
	header->cpu = cpu;
}

#endif
