/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the objects of waits are called: the path of a file, the two ends of a socket. Told once for each object, by the
 * first wait for it; a small table remembers what was told. What it forgets is told again, which does no harm.
 */
#ifndef WAKECHAIN_OBJECTS_H
#define WAKECHAIN_OBJECTS_H

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10

struct object_key {
	__u64 inode;
	__u32 device;              /* sockets: the ports, since they connect after they were made */
	__u32 kind;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct object_key);
	__type(value, __u32);
} told_objects SEC(".maps");

/* Whether this object is still to be told of; counts. */
static __always_inline bool is_news(struct object_key *key, struct probe_counters *of)
{
	COUNT_ATOMIC(of, hits, 1);
	if (!bpf_map_lookup_elem(&told_objects, key))
		return true;
	COUNT_ATOMIC(of, merged, 1);
	return false;
}

static __always_inline void object_told(struct object_key *key, struct probe_counters *of)
{
	__u32 told = 1;

	bpf_map_update_elem(&told_objects, key, &told, BPF_ANY);
	COUNT_ATOMIC(of, emitted, 1);
}

static __always_inline void object_lost(struct probe_counters *of, __u64 now)
{
	COUNT_ATOMIC(of, lost, 1);
	note_loss(RING_HOST, LOSS_RING, now, 1);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* Up to the root directory, over the mounts that it lies in. Global (see ring.h): the file comes as an address. */
__noinline int fill_path(struct file_record *record, __u64 address)
{
	struct file *file = (struct file *)address;
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct vfsmount *mounted = BPF_CORE_READ(file, f_path.mnt);
	struct mount *mount = (void *)mounted - bpf_core_field_offset(struct mount, mnt);

	if (!record)
		return 0;
	record->is_whole = 0;
	/* Counted in the record, of which the verifier forgets what it holds: else it follows each sum of names and mounts. */
	record->parts = 0;
	for (int step = 0; step < FILE_PATH_PARTS + 4; step++) {
		struct dentry *parent;
		const unsigned char *name;
		__u32 parts = record->parts;

		if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
			struct mount *outer = BPF_CORE_READ(mount, mnt_parent);

			if (outer == mount || !outer) {
				record->is_whole = 1;
				break;
			}
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mount = outer;
			continue;
		}
		parent = BPF_CORE_READ(dentry, d_parent);
		if (!parent || parent == dentry || parts >= FILE_PATH_PARTS)
			break;
		name = BPF_CORE_READ(dentry, d_name.name);
		bpf_probe_read_kernel_str(record->names + (parts & (FILE_PATH_PARTS - 1)) * FILE_PART_BYTES, FILE_PART_BYTES,
					  name);
		record->parts = parts + 1;
		dentry = parent;
	}
	return 0;
}

static __noinline void tell_file(struct file *file, struct switch_detail_record *wait, __u32 cpu)
{
	struct probe_counters *of = counters_of(PROBE_OBJECT);
	struct object_key key = { .inode = wait->object, .device = wait->device, .kind = wait->file_kind };
	struct file_record *record;
	void *ring = NULL;

	if (!is_news(&key, of))
		return;
	record = reserve(RING_HOST, cpu, sizeof(*record), wait->base.at_ns, &ring);
	if (!record) {
		object_lost(of, wait->base.at_ns);
		return;
	}
	set_header(&record->header, RECORD_FILE, sizeof(*record), 0, cpu);
	record->at_ns = wait->base.at_ns;
	record->inode = key.inode;
	record->device = key.device;
	record->file_kind = key.kind;
	__builtin_memset(record->names, 0, sizeof(record->names));
	fill_path(record, (__u64)file);
	submit(record, ring, RING_HOST, sizeof(*record));
	object_told(&key, of);
}

/* ---- sockets ----------------------------------------------------------------------------------------------------- */

/* Both ends of an internet socket. */
static __always_inline void fill_addresses(struct socket_record *record, struct sock *sock)
{
	struct sock_common *common = &sock->__sk_common;

	record->local_port = BPF_CORE_READ(common, skc_num);
	record->remote_port = __builtin_bswap16(BPF_CORE_READ(common, skc_dport));
	if (record->family == AF_INET) {
		bpf_probe_read_kernel(record->local, 4, &common->skc_rcv_saddr);
		bpf_probe_read_kernel(record->remote, 4, &common->skc_daddr);
	} else if (bpf_core_field_exists(common->skc_v6_daddr)) {
		bpf_probe_read_kernel(record->local, 16, &common->skc_v6_rcv_saddr);
		bpf_probe_read_kernel(record->remote, 16, &common->skc_v6_daddr);
	}
}

static __always_inline void fill_unix(struct socket_record *record, struct sock *sock)
{
	struct unix_sock *own = (struct unix_sock *)sock, *peer;
	struct unix_address *address;
	struct file *other;
	int bytes;

	if (!bpf_core_type_exists(struct unix_sock))
		return;
	peer = (struct unix_sock *)BPF_CORE_READ(own, peer);
	if (peer) {
		other = BPF_CORE_READ((struct sock *)peer, sk_socket, file);
		record->peer_inode = BPF_CORE_READ(other, f_inode, i_ino);
	}
	address = BPF_CORE_READ(own, addr);
	if (!address && peer)
		address = BPF_CORE_READ(peer, addr);
	if (!address)
		return;
	bytes = BPF_CORE_READ(address, len) - 2;
	if (bytes <= 0 || bytes > 108)
		return;
	record->path_bytes = bytes;
	bpf_probe_read_kernel(record->path, 108, (void *)address + bpf_core_field_offset(struct unix_address, name) + 2);
}

static __noinline void tell_socket(struct file *file, __u64 inode, __u64 now, __u32 cpu)
{
	struct probe_counters *of = counters_of(PROBE_OBJECT);
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sock = BPF_CORE_READ(socket, sk);
	struct sock_common *common = &sock->__sk_common;
	struct object_key key = { .inode = inode, .kind = FILE_SOCKET };
	struct socket_record *record;
	void *ring = NULL;

	key.device = (__u32)BPF_CORE_READ(common, skc_num) << 16 | BPF_CORE_READ(common, skc_dport);
	if (!is_news(&key, of))
		return;
	record = reserve(RING_HOST, cpu, sizeof(*record), now, &ring);
	if (!record) {
		object_lost(of, now);
		return;
	}
	__builtin_memset(record, 0, sizeof(*record));
	set_header(&record->header, RECORD_SOCKET, sizeof(*record), 0, cpu);
	record->at_ns = now;
	record->inode = inode;
	record->family = BPF_CORE_READ(common, skc_family);
	record->state = BPF_CORE_READ(common, skc_state);
	record->kind = BPF_CORE_READ(sock, sk_type);
	record->protocol = BPF_CORE_READ(sock, sk_protocol);
	if (record->family == AF_INET || record->family == AF_INET6)
		fill_addresses(record, sock);
	else if (record->family == AF_UNIX)
		fill_unix(record, sock);
	submit(record, ring, RING_HOST, sizeof(*record));
	object_told(&key, of);
}

#endif
