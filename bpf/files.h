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
	case 232: case 281: case 288:        /* epoll_wait epoll_pwait accept4         */
	case 295: case 296: case 299: case 307: /* preadv pwritev recvmmsg sendmmsg    */
	case 441:                            /* epoll_pwait2                           */
#else
	case 63: case 64: case 65: case 66: case 67: case 68: case 69: case 70: /* read .. pwritev */
	case 29: case 32:                    /* ioctl flock                            */
	case 82: case 83: case 22:           /* fsync fdatasync epoll_pwait            */
	case 202: case 203: case 206: case 207: case 211: case 212: /* accept connect sendto recvfrom sendmsg recvmsg */
	case 242: case 243: case 269: case 441: /* accept4 recvmmsg sendmmsg epoll_pwait2 */
#endif
		return true;
	}
	return false;
}

static __noinline void fill_file(struct switch_detail_record *record, struct task_struct *task, __u32 descriptor)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct inode *inode;
	struct file **files;
	struct file *file = NULL;

	record->file_descriptor = descriptor;
	if (descriptor >= BPF_CORE_READ(table, max_fds))
		return;
	files = BPF_CORE_READ(table, fd);
	bpf_probe_read_kernel(&file, sizeof(file), files + descriptor);
	inode = BPF_CORE_READ(file, f_inode);
	if (!inode)
		return;
	record->object = BPF_CORE_READ(inode, i_ino);
	record->file_kind = kind_of_inode(inode);
	record->device = BPF_CORE_READ(inode, i_rdev);
}

#endif
