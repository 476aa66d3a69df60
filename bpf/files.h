/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a blocked system call was about, when it was about a file: looked up once the wait is over, and only where it was
 * long. The table of open files belongs to a thread that is not running, so that nothing moves but by its siblings.
 */
#ifndef WAKECHAIN_FILES_H
#define WAKECHAIN_FILES_H

#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define S_IFREG 0100000
#define S_IFBLK 0060000
#define S_IFCHR 0020000
#define S_IFIFO 0010000
#define ANON_INODE_FS_MAGIC 0x09041934

static __always_inline __u32 kind_of_inode(struct inode *inode)
{
	switch (BPF_CORE_READ(inode, i_mode) & S_IFMT) {
	case S_IFREG:
		/* Since 6.15 an anonymous inode calls itself a regular file. */
		if (BPF_CORE_READ(inode, i_sb, s_magic) == ANON_INODE_FS_MAGIC)
			return FILE_ANONYMOUS;
		return FILE_REGULAR;
	case S_IFIFO:
		return FILE_PIPE;
	case S_IFSOCK:
		return FILE_SOCKET;
	case S_IFCHR:
		return FILE_CHARACTER_DEVICE;
	case S_IFBLK:
		return FILE_BLOCK_DEVICE;
	}
	if (BPF_CORE_READ(inode, i_sb, s_magic) == ANON_INODE_FS_MAGIC)
		return FILE_ANONYMOUS;
	return FILE_OTHER;
}

/* System calls whose first argument is a file descriptor, and that can sleep for the file's sake. */
static __always_inline bool takes_file_descriptor(__s32 number)
{
	switch (number) {
#if defined(__TARGET_ARCH_x86)
	case 0: case 1:                      /* read write                             */
	case 16: case 17: case 18:           /* ioctl pread64 pwrite64                 */
	case 19: case 20:                    /* readv writev                           */
	case 42: case 43: case 44: case 45:  /* connect accept sendto recvfrom         */
	case 46: case 47:                    /* sendmsg recvmsg                        */
	case 73: case 74: case 75:           /* flock fsync fdatasync                  */
	case 288:                            /* accept4                                */
	case 295: case 296: case 299: case 307: /* preadv pwritev recvmmsg sendmmsg    */
#else
	case 63: case 64: case 65: case 66: case 67: case 68: case 69: case 70: /* read .. pwritev */
	case 29: case 32:                    /* ioctl flock                            */
	case 82: case 83:                    /* fsync fdatasync                        */
	case 202: case 203: case 206: case 207: case 211: case 212: /* accept connect sendto recvfrom sendmsg recvmsg */
	case 242: case 243: case 269:        /* accept4 recvmmsg sendmmsg              */
#endif
		return true;
	}
	return false;
}

/* The first eight letters of a name, as the kernel keeps them. */
#define LETTERS(a, b, c, d, e, f, g, h)                                                                                 \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 | (__u64)(f) << 40 |    \
	 (__u64)(g) << 48 | (__u64)(h) << 56)

static __always_inline __u32 kind_of_anonymous(struct file *file)
{
	const unsigned char *name = BPF_CORE_READ(file, f_path.dentry, d_name.name);
	__u64 letters = 0;

	bpf_probe_read_kernel(&letters, sizeof(letters), name);
	switch (letters) {
	case LETTERS('[', 'e', 'v', 'e', 'n', 't', 'f', 'd'):
		return FILE_EVENTFD;
	case LETTERS('[', 'e', 'v', 'e', 'n', 't', 'p', 'o'):
		return FILE_EPOLL;
	case LETTERS('[', 't', 'i', 'm', 'e', 'r', 'f', 'd'):
		return FILE_TIMERFD;
	case LETTERS('[', 's', 'i', 'g', 'n', 'a', 'l', 'f'):
		return FILE_SIGNALFD;
	case LETTERS('[', 'p', 'i', 'd', 'f', 'd', ']', 0):
		return FILE_PIDFD;
	case LETTERS('[', 'i', 'o', '_', 'u', 'r', 'i', 'n'):
		return FILE_IO_URING;
	}
	return FILE_ANONYMOUS;
}

static __always_inline struct file *file_of(struct task_struct *task, __u32 descriptor)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files, *file = NULL;

	if (descriptor >= BPF_CORE_READ(table, max_fds))
		return NULL;
	files = BPF_CORE_READ(table, fd);
	bpf_probe_read_kernel(&file, sizeof(file), files + descriptor);
	return file;
}

/*
 * What file a wait was about, into the record; what it is called is told once for each object. Global (see ring.h): the
 * file comes as an address.
 */
__noinline int fill_file(struct switch_detail_record *record, __u64 address, __u32 cpu)
{
	struct file *file = (struct file *)address;
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	__u32 kind;

	if (!record)
		return 0;
	if (!inode)
		return 0;
	kind = kind_of_inode(inode);
	record->object = BPF_CORE_READ(inode, i_ino);
	record->device = BPF_CORE_READ(inode, i_rdev);
	if (!record->device)
		record->device = BPF_CORE_READ(inode, i_sb, s_dev);
	if (kind == FILE_ANONYMOUS) {
		kind = kind_of_anonymous(file);
		record->object = 0;
		if (kind == FILE_EVENTFD && bpf_core_field_exists(((struct eventfd_ctx *)0)->id)) {
			struct eventfd_ctx *event = BPF_CORE_READ(file, private_data);

			record->object = (__u32)BPF_CORE_READ(event, id);
		}
	}
	record->file_kind = kind;
	if (kind == FILE_SOCKET)
		tell_socket(file, record->object, record->base.at_ns, cpu);
	else if (kind == FILE_REGULAR || kind == FILE_CHARACTER_DEVICE || kind == FILE_BLOCK_DEVICE || kind == FILE_PIPE ||
		 kind == FILE_OTHER)
		tell_file(file, record, cpu);
	return 0;
}

#endif
