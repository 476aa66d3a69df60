/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What recording may cost. Each thread adds up what its probes took, by prices that user space measured on itself, over
 * short windows; the busiest thread of late is what the governor (in user space) goes by. Its orders come back as a level
 * for each function. And there is a plain limit to the number of events, for those who asked for one.
 */
#ifndef WAKECHAIN_GOVERNOR_H
#define WAKECHAIN_GOVERNOR_H

#define WINDOW_NS 5000000
#define PPM 1000000

enum level {
	LEVEL_ALL = 0,
	LEVEL_NO_STACKS = 1,
	LEVEL_ENTRIES = 2,         /* no return hook                                 */
	LEVEL_OFF = 3,             /* about to be taken away                         */
};

/* Lower 8 bits: enum level. Above: how often the probe was taken away, so that calls which were in progress are known:
 * their return was not seen. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PROBE_LIMIT);
	__type(key, __u32);
	__type(value, __u32);
} orders SEC(".maps");

const volatile bool governed;
const volatile __u64 max_events_per_second;   /* 0 = no limit                                   */

/* Set before the recording starts. */
volatile __u32 price_call_ns;
volatile __u32 price_entry_ns;
volatile __u32 price_stack_ns;
/* 1: the probe PROBE_CALIBRATION records, and no other; 2: with a stack for each call. */
volatile __u32 calibrating;

/* The highest share of a window that any thread spent on probes, since user space last took it. */
volatile __u64 busiest_ppm;

/* The limit: this tenth of a second, what was let through in it, and what was not since user space last asked. */
volatile __u64 limit_window;
volatile __u64 limit_used;
volatile __u64 limited_from_ns;
volatile __u64 limited_events;

static __always_inline __u32 order_for(__u32 probe)
{
	__u32 *order = bpf_map_lookup_elem(&orders, &probe);

	return order ? *order : LEVEL_ALL;
}

#define LEVEL_OF(order) ((order) & 255)

/* A probe of this thread will have taken `price` when it is done. */
static __always_inline void charge(struct call_state *calls, __u64 now, __u32 price)
{
	__u64 elapsed, ppm;

	if (!governed)
		return;
	calls->window_cost_ns += price;
	elapsed = now - calls->window_ns;
	if (elapsed < WINDOW_NS)
		return;
	ppm = calls->window_cost_ns * PPM / elapsed;
	if (ppm > busiest_ppm)
		busiest_ppm = ppm;
	calls->window_ns = now;
	calls->window_cost_ns = 0;
}

/* One more event: whether it is beyond the limit, and so is to be filtered. */
static __always_inline bool beyond_limit(__u64 now)
{
	__u64 window;

	if (!max_events_per_second || calibrating)
		return false;
	window = now / 100000000;
	if (limit_window != window) {
		limit_window = window;
		limit_used = 0;
	}
	if (__sync_fetch_and_add(&limit_used, 1) < max_events_per_second / 10)
		return false;
	if (!limited_from_ns)
		limited_from_ns = now;
	__sync_fetch_and_add(&limited_events, 1);
	return true;
}

#endif
