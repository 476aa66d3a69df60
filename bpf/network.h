/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TCP segments that are sent again, because nobody said that they arrived.
 */
#ifndef WAKECHAIN_NETWORK_H
#define WAKECHAIN_NETWORK_H

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(on_retransmit, struct sock *sock)
{
	struct probe_counters *of = counters_of(PROBE_RETRANSMIT);
	__u32 cpu = bpf_get_smp_processor_id();
	__u64 now = bpf_ktime_get_ns();
	struct socket_record *record;
	struct file *file;
	void *ring = NULL;

	if (!recording(now))
		return 0;
	COUNT_ATOMIC(of, hits, 1);
	record = reserve(RING_HOST, cpu, sizeof(*record), now, &ring);
	if (!record) {
		COUNT_ATOMIC(of, lost, 1);
		note_loss(RING_HOST, LOSS_RING, now, 1);
		return 0;
	}
	__builtin_memset(record, 0, sizeof(*record));
	set_header(&record->header, RECORD_RETRANSMIT, sizeof(*record), 0, cpu);
	record->at_ns = now;
	/* A socket that its process has closed has no file any more. */
	file = BPF_CORE_READ(sock, sk_socket, file);
	record->inode = BPF_CORE_READ(file, f_inode, i_ino);
	record->family = BPF_CORE_READ(sock, __sk_common.skc_family);
	record->state = BPF_CORE_READ(sock, __sk_common.skc_state);
	record->kind = BPF_CORE_READ(sock, sk_type);
	record->protocol = BPF_CORE_READ(sock, sk_protocol);
	fill_addresses(record, sock);
	submit(record, ring, RING_HOST, sizeof(*record));
	COUNT_ATOMIC(of, emitted, 1);
	return 0;
}

#endif
