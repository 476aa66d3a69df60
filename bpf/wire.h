/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the probes emit and the spool holds: the contract between bpf/, the capture and `finalize`.
 *
 * The file is read twice: by clang for the programs, and by collector/wire/build.rs, which makes the Rust side from it.
 * So it keeps to a small part of C: `#define NAME number`, `enum { NAME = number, ... }`, and structs of fixed-width
 * integers, arrays of them, and earlier structs. Every struct is laid out without holes and is a multiple of 8 bytes.
 *
 * Times are CLOCK_MONOTONIC nanoseconds, absolute (`finalize` subtracts meta.start_ns). A time of 0 means "not observed".
 * Threads are named by tid alone; `thread_record`s, in order of time, say who a tid was when.
 * A record is little-endian, begins with `record_header`, and `bytes` counts all of it, padding to 8 included.
 */
#ifndef WAKECHAIN_WIRE_H
#define WAKECHAIN_WIRE_H

#define WIRE_VERSION 2

/* ---- rings and loss -------------------------------------------------------------------------------------------- */

enum ring_class {
	RING_LIFE = 0,        /* threads and processes: one ring                  */
	RING_CUDA = 1,        /* CUDA calls: one ring for each CPU                */
	RING_SCHEDULER = 2,   /* context switches: one ring for each CPU          */
	RING_STACK = 3,       /* stack snapshots: one ring for each CPU           */
	RING_HOST = 4,        /* files, block requests, samples: one for each CPU */
	RING_CLASSES = 5,
};

/* ---- records ---------------------------------------------------------------------------------------------------- */

enum record_kind {
	RECORD_THREAD = 1,
	RECORD_SWITCH = 2,         /* switch_record                                */
	RECORD_SWITCH_DETAIL = 3,  /* switch_detail_record                         */
	RECORD_CALL = 4,           /* call_record                                  */
	RECORD_CALL_ARGS = 5,      /* call_args_record                             */
	RECORD_USER_STACK = 6,
	RECORD_KERNEL_STACK = 7,
	RECORD_LOSS = 8,
	RECORD_FILE = 9,           /* what an inode of a wait is called            */
	RECORD_SOCKET = 10,        /* ... or whom a socket is connected to         */
	RECORD_CALL_MEMORY = 11,   /* call_memory_record                           */
	RECORD_CALL_TEXT = 12,     /* call_text_record                             */
	RECORD_BLOCK = 13,         /* a request to a block device                  */
	RECORD_RETRANSMIT = 14,    /* socket_record: TCP sent something again      */
	RECORD_STALL = 15,         /* a thread's own time in the kernel for memory */
	RECORD_SAMPLE = 16,        /* where a target thread was while it ran       */
	/* written by the capture process itself: `text_record` followed by UTF-8 text, mostly one JSON object */
	RECORD_META = 64,          /* first record of a spool                      */
	RECORD_PROBES = 65,        /* the probe table: index -> what it is         */
	RECORD_PROCESS = 66,       /* what /proc says of a process                 */
	RECORD_MAPS = 67,          /* executable mappings of a process             */
	RECORD_COUNTERS = 68,      /* probe counters; the last one counts          */
	RECORD_KERNEL_SYMBOLS = 69,/* kernel symbols that stacks need              */
	RECORD_COVERAGE = 70,      /* one row of `coverage`                        */
	RECORD_METRICS = 72,       /* readings of one moment                       */
	RECORD_OWNERS = 73,        /* which process holds a socket                 */
	RECORD_END = 71,           /* last record of a whole spool                 */
};

struct record_header {
	__u16 bytes;
	__u8 kind;
	__u8 flags;
	__u32 cpu;
};

struct text_record {
	struct record_header header;
	__u64 at_ns;
	__u32 text_bytes;          /* text longer than a header can count is split: MORE_FOLLOWS */
	__u32 reserved;
};
#define TEXT_MORE_FOLLOWS 1       /* header.flags: the next record of this kind continues this text */

/* ---- who --------------------------------------------------------------------------------------------------------- */

enum thread_event {
	THREAD_EXISTING = 1,       /* there when the capture began (task iterator) */
	THREAD_FORK = 2,
	THREAD_EXEC = 3,
	THREAD_RENAME = 4,
	THREAD_EXIT = 5,
	THREAD_OOM_KILL = 6,       /* chosen to be killed for want of memory       */
};

#define THREAD_IS_KERNEL 1        /* header.flags */
#define THREAD_IS_TARGET 2

struct thread_record {
	struct record_header header;
	__u64 at_ns;
	__u64 start_boottime_ns;   /* with tid: unique for the life of the kernel  */
	__u32 tid;
	__u32 tgid;
	__u32 parent_tgid;
	__u32 user_id;
	__u32 namespace_tgid;      /* as its innermost pid namespace sees it       */
	__u32 event;               /* enum thread_event                            */
	__u64 cgroup_id;
	__u8 comm[16];
};

/* ---- scheduler --------------------------------------------------------------------------------------------------- */

/* header.flags of switch records */
#define SWITCH_HAS_SLICE 1        /* prev_tid ran on this CPU from slice_start_ns to at_ns: a row of cpu_slice          */
#define SWITCH_HAS_OFF_CPU 2      /* next_tid was off the CPU from off_ns to at_ns: a row of off_cpu                    */
#define SWITCH_OFF_BEGAN_BEFORE 4 /* off_ns is the start of the capture: it was off before                              */
#define SWITCH_OPEN 8             /* written at the end: at_ns is the end of the capture, the interval had not ended     */
#define SWITCH_SLICE_BEGAN_BEFORE 16
#define SWITCH_IN_IOWAIT 32       /* task->in_iowait at switch-out                                                       */
#define SWITCH_THROTTLED 64       /* switched out by its group's quota                                                   */
#define SWITCH_INFERRED 128       /* no probe saw it: its time is the kernel's own note of when next_tid got the CPU       */

/* state_before: why the thread left the CPU */
#define STATE_PREEMPTED 0         /* prev_state RUNNING: still runnable                                                  */
#define STATE_INTERRUPTIBLE 1
#define STATE_UNINTERRUPTIBLE 2
#define STATE_STOPPED 3
#define STATE_OTHER 4

/* waker_context: bits, as the wake-up saw them */
#define WAKER_SEEN 1              /* the other bits were taken                                                           */
#define WAKER_IN_HARD_INTERRUPT 2
#define WAKER_IN_SOFT_INTERRUPT 4 /* may run inside the task's own system call: the waker's kernel stack decides         */
#define WAKER_IS_IDLE 8           /* pid 0 was interrupted                                                               */
#define WAKER_IS_KERNEL_THREAD 16

struct switch_record {
	struct record_header header;
	__u64 at_ns;               /* the switch                                                                         */
	__u64 slice_start_ns;
	__u64 off_ns;
	__u64 wake_ns;             /* 0 = it was never asleep (preempted): runnable for the whole interval               */
	__u32 prev_tid;
	__u32 next_tid;
	__u32 waker_tid;
	__u32 got_cpu_tid;         /* who got the CPU when next_tid left it; 0 = idle                                    */
	__u16 cpu_before;
	__u8 state_before;
	__u8 waker_context;
	__s16 system_call;         /* that the thread was in; -1 = none                                                  */
	__s16 waker_system_call;
};

/* What kind of file a blocked system call was about (from the inode's mode and the superblock's magic) */
enum file_kind {
	FILE_NONE = 0,
	FILE_REGULAR = 1,
	FILE_PIPE = 2,
	FILE_SOCKET = 3,
	FILE_CHARACTER_DEVICE = 4,
	FILE_BLOCK_DEVICE = 5,
	FILE_ANONYMOUS = 6,        /* one of the kernel's own, of none of the kinds below                                */
	FILE_OTHER = 7,
	FILE_EVENTFD = 8,
	FILE_EPOLL = 9,
	FILE_TIMERFD = 10,
	FILE_SIGNALFD = 11,
	FILE_PIDFD = 12,
	FILE_IO_URING = 13,
};

/* What `timeout_ns` counts from */
enum timeout_kind {
	TIMEOUT_NONE = 0,          /* none was asked for, or it could not be read                                        */
	TIMEOUT_RELATIVE = 1,
	TIMEOUT_MONOTONIC = 2,     /* a moment                                                                           */
	TIMEOUT_REALTIME = 3,      /* a moment                                                                           */
};

struct switch_detail_record {
	struct switch_record base;
	__u64 object;              /* futex: user address; file: inode number (eventfd: its id); wait4: the pid          */
	__u64 timeout_ns;          /* as given to the kernel: see timeout_kind                                           */
	__u32 futex_op;            /* with its flags, as given; 0xffffffff = the wait was not a futex                    */
	__u32 futex_value;
	__u32 file_descriptor;     /* 0xffffffff = none                                                                  */
	__u32 file_kind;           /* enum file_kind                                                                     */
	__u32 device;              /* major << 20 | minor: of a device file its own, else of the file system             */
	__u32 waker_futex_op;      /* 0xffffffff = the waker was not in futex()                                          */
	__u64 waker_object;        /* futex address that the waker was waking                                            */
	__u64 user_stack;          /* stack key of the blocked thread; 0 = none taken                                    */
	__u64 kernel_stack;
	__u64 waker_kernel_stack;
	__u64 waker_user_stack;    /* of a waker that was in a system call of its own                                    */
	__u64 kernel_lock;         /* address of the kernel's lock that it waited for; 0 = none was seen                 */
	__u64 waker_request;       /* block_record.id: completed last on the CPU where the wake-up ran, if it was an interrupt */
	__u32 kernel_lock_flags;   /* LCB_F_* of lock:contention_begin, and KERNEL_LOCK_IS_MMAP                          */
	__u32 timeout_kind;        /* enum timeout_kind                                                                  */
};
#define KERNEL_LOCK_IS_MMAP 0x80000000 /* the mmap lock of the thread's own process */

/* ---- objects: told once, by whoever first waits for one ----------------------------------------------------------- */

#define FILE_PATH_PARTS 16
#define FILE_PART_BYTES 64

struct file_record {
	struct record_header header;
	__u64 at_ns;
	__u64 inode;
	__u32 device;              /* as in switch_detail_record                                                         */
	__u32 file_kind;
	__u32 parts;               /* of the path, innermost first, each zero-terminated in FILE_PART_BYTES              */
	__u32 is_whole;            /* 1 = the last part lies in the root directory                                       */
	__u8 names[1024];
};

/* Addresses and ports as the kernel has them, a port in host order; IPv4 in the first four bytes. 0 = not bound, not connected. */
struct socket_record {
	struct record_header header;
	__u64 at_ns;
	__u64 inode;
	__u64 peer_inode;          /* AF_UNIX: the socket at the other end                                               */
	__u16 family;              /* AF_*                                                                               */
	__u16 kind;                /* SOCK_*                                                                             */
	__u16 protocol;            /* IPPROTO_*                                                                          */
	__u16 state;               /* TCP_*                                                                              */
	__u16 local_port;
	__u16 remote_port;
	__u32 path_bytes;
	__u8 local[16];
	__u8 remote[16];
	__u8 path[112];            /* AF_UNIX: of this end, else of the other; abstract ones begin with a zero byte      */
};

/* ---- block devices ------------------------------------------------------------------------------------------------ */

/* header.flags */
#define BLOCK_OPEN 1              /* written at the end: it was not done yet; done_ns is the end of the capture           */
#define BLOCK_OWN 2               /* the collector's own; not sent                                                        */

struct block_record {
	struct record_header header;
	__u64 id;                  /* unique in the capture: cpu << 48 | count; 0 with BLOCK_OPEN                         */
	__u64 queued_ns;           /* when the request was made; may lie before the capture                               */
	__u64 issued_ns;           /* when the device got it; 0 = not seen                                                */
	__u64 done_ns;
	__u64 sector;              /* of 512 bytes                                                                        */
	__u32 bytes;
	__u32 device;              /* major << 20 | minor of the whole disk                                               */
	__u32 operation;           /* REQ_OP_*                                                                            */
	__u32 tid;                 /* who asked for it; 0 = not known                                                     */
};

/* ---- memory, samples ---------------------------------------------------------------------------------------------- */

enum stall_kind {
	STALL_PAGE_FAULT = 0,
	STALL_RECLAIM = 1,
	STALL_COMPACTION = 2,
	STALL_KINDS = 3,
};

struct stall_record {
	struct record_header header;
	__u64 start_ns;
	__u64 end_ns;
	__u64 amount;              /* STALL_RECLAIM: pages that were freed                                               */
	__u32 tid;
	__u32 kind;                /* enum stall_kind                                                                    */
};

struct sample_record {
	struct record_header header;
	__u64 at_ns;
	__u64 user_stack;          /* stack key; 0 = none taken                                                          */
	__u64 kernel_stack;        /* the same, where the thread was in the kernel                                       */
	__u32 tid;
	__u32 reserved;
};

/* ---- CUDA -------------------------------------------------------------------------------------------------------- */

/* header.flags of call records */
#define CALL_OPEN 1               /* written at the end: it had not returned                                              */
#define CALL_ABANDONED 2          /* its frame was unwound (exception, longjmp): no end was seen                           */
#define CALL_NO_RETURN_PROBE 4    /* entry only (governor)                                                                */
#define CALL_HAS_OUTPUT 8         /* `output` was read                                                                    */
#define CALL_HAS_MEMORY 16        /* `memory`, or the text, was read                                                      */

struct call_record {
	struct record_header header;
	__u64 start_ns;
	__u64 end_ns;              /* 0 with CALL_OPEN, CALL_ABANDONED, CALL_NO_RETURN_PROBE                              */
	__u64 call_site;           /* return address at entry                                                            */
	__u64 user_stack;          /* stack key; 0 = none taken                                                          */
	__u32 tid;
	__u32 probe;               /* index into RECORD_PROBES                                                           */
	__s32 result;
	__u32 depth;               /* traced calls it ran inside                                                         */
};

#define CALL_ARGS 6
#define CALL_STACK_WORDS 4

struct call_args_record {
	struct call_record base;
	__u64 args[6];             /* integer registers at entry, in the order of the calling convention                 */
	__u64 stack_words[4];      /* words above the return address at entry (x86_64: 7th argument onwards)              */
	__u64 output;              /* what an output pointer held at return: allocated address, new handle               */
};

#define CALL_MEMORY_WORDS 5
#define CALL_TEXT_BYTES 1024

/* A call with part of a structure that an argument pointed to: a launch configuration, the extent of a copy. */
struct call_memory_record {
	struct call_args_record args;
	__u64 memory[5];
};

/* A call with a longer piece of memory, which follows: a kernel's name, a communicator's id. */
struct call_text_record {
	struct call_args_record args;
	__u32 text_bytes;
	__u32 reserved;
};

/*
 * Flags of a CUDA probe, the upper half of its cookie (the lower half is its index).
 * OUTPUT: which argument points to the output (0 = none, 1 = args[0], ...).
 * MEMORY_SOURCE: which argument points to the memory to be read, in the same way; ON_STACK = it begins above the return
 * address; AT_OUTPUT = the output is its address. MEMORY_WORD and MEMORY_WORDS: which words of it; with MEMORY_TEXT it
 * is read up to a zero instead. Memory is read at the return: by then the call itself has had its pages brought in.
 */
#define COOKIE_WANTS_ARGS 1
#define COOKIE_WANTS_STACK_WORDS 2
#define COOKIE_MEMORY_TEXT 4
#define COOKIE_MEMORY_AT_OUTPUT 8
#define COOKIE_OUTPUT_SHIFT 4
#define COOKIE_OUTPUT_MASK 112
#define COOKIE_MEMORY_SOURCE_SHIFT 8
#define COOKIE_MEMORY_SOURCE_MASK 1792
#define COOKIE_MEMORY_ON_STACK 7
#define COOKIE_MEMORY_WORDS_SHIFT 11
#define COOKIE_MEMORY_WORDS_MASK 63488
#define COOKIE_MEMORY_WORD_SHIFT 16
#define COOKIE_MEMORY_WORD_MASK 16711680

/* ---- stacks ------------------------------------------------------------------------------------------------------ */

#define MAX_HOOKS 8
#define MAX_SNAPSHOT_BYTES 4096
#define MAX_KERNEL_FRAMES 48

/* A return address that one of our own hooks replaced: put it back before unwinding. */
struct hooked_return {
	__u64 stack_address;
	__u64 return_address;
};

/* Followed by `snapshot_bytes` of the stack, from stack_pointer upwards. */
struct user_stack_record {
	struct record_header header;
	__u64 key;                 /* unique in the capture: cpu << 48 | count                                           */
	__u64 at_ns;
	__u32 tid;
	__u32 tgid;
	__u64 instruction_pointer;
	__u64 stack_pointer;
	__u64 frame_pointer;
	__u64 link_register;       /* aarch64; 0 on x86_64                                                               */
	__u32 hook_count;
	__u32 snapshot_bytes;      /* 0 = could not be read                                                              */
	struct hooked_return hooks[8];
};

/* Followed by `frame_count` addresses, innermost first. */
struct kernel_stack_record {
	struct record_header header;
	__u64 key;
	__u64 at_ns;
	__u32 tid;
	__u32 frame_count;
};

/* ---- loss -------------------------------------------------------------------------------------------------------- */

enum loss_source {
	LOSS_RING = 1,             /* the ring was full                            */
	LOSS_STORAGE = 2,          /* no memory for a thread's state               */
};

struct loss_record {
	struct record_header header;
	__u64 start_ns;            /* first failure                                */
	__u64 end_ns;              /* next success                                 */
	__u64 events;
	__u32 ring;                /* enum ring_class                              */
	__u32 source;              /* enum loss_source                             */
};

/* ---- counters ---------------------------------------------------------------------------------------------------- */

/*
 * One for each probe and CPU; each way out of a program has its own, none is derived:
 * hits = emitted + merged + filtered + lost, and rows = emitted.
 */
struct probe_counters {
	__u64 hits;
	__u64 emitted;
	__u64 merged;
	__u64 filtered;
	__u64 lost;
};

/*
 * Fixed indices of the probe table. One hit of sched_switch is counted twice, once for each question it answers: what
 * the CPU was given up by (a row of cpu_slice), and who came back to it (a row of off_cpu).
 */
enum probe_index {
	PROBE_SWITCH_OFF_CPU = 0,  /* emitted = rows of off_cpu that ended                                               */
	PROBE_SWITCH_SLICE = 1,    /* emitted = rows of cpu_slice that ended                                             */
	PROBE_WAKING = 2,          /* merged = became the wake-up of an off-CPU interval                                 */
	PROBE_FORK = 3,
	PROBE_EXEC = 4,
	PROBE_EXIT = 5,
	PROBE_RENAME = 6,
	PROBE_ITERATE_START = 7,   /* task iterator: emitted = existing threads                                          */
	PROBE_ITERATE_END = 8,     /* task iterator: emitted = off-CPU intervals still open                              */
	PROBE_SLICE_END = 9,       /* emitted = CPU slices still open                                                    */
	PROBE_USER_STACK = 10,
	PROBE_KERNEL_STACK = 11,
	PROBE_OBJECT = 12,         /* emitted = files and sockets told of, merged = known already                        */
	PROBE_KERNEL_LOCK = 13,    /* merged = noted with the thread that waits                                          */
	PROBE_BLOCK_QUEUE = 14,    /* merged = remembered until it is done                                               */
	PROBE_BLOCK_ISSUE = 15,
	PROBE_BLOCK_MERGE = 16,    /* merged = became part of another request                                            */
	PROBE_BLOCK_DONE = 17,     /* emitted = rows of block_io that ended; merged = a part of one                      */
	PROBE_BLOCK_END = 18,      /* emitted = block requests still open                                                */
	PROBE_RETRANSMIT = 19,
	PROBE_PAGE_FAULT = 20,     /* hits = major faults                                                                */
	PROBE_RECLAIM = 21,
	PROBE_COMPACTION = 22,
	PROBE_OOM = 23,
	PROBE_SAMPLE = 24,         /* filtered = the CPU was idle, or ran no target                                      */
	PROBE_CALIBRATION = 63,    /* a function of the collector's own; what it records is thrown away                  */
	PROBE_FIRST_CALL = 64,     /* the first CUDA function                                                            */
	PROBE_LIMIT = 2048,
};

/* ---- the spool --------------------------------------------------------------------------------------------------- */

/*
 * A spool is one file: `spool_header`, then blocks until the end. A block holds whole records of one ring, in the order
 * they were taken from it, compressed with zstd (or as they are, when stored_bytes == raw_bytes). A reader stops at the
 * first block that is cut short or whose checksum is wrong: what stands before it is whole.
 */
#define SPOOL_MAGIC 0x4c4f4f50534b4157 /* "WAKSPOOL" */
#define SPOOL_BLOCK_MAGIC 0x4b4c4257   /* "WBLK" */

struct spool_header {
	__u64 magic;
	__u32 wire_version;
	__u32 machine;             /* ELF e_machine of the host: 62 x86_64, 183 aarch64 */
};

struct spool_block {
	__u32 magic;
	__u32 ring;                /* enum ring_class; RING_CLASSES = the capture process itself */
	__u32 cpu;
	__u32 raw_bytes;
	__u32 stored_bytes;
	__u32 checksum;            /* CRC-32 (IEEE) of the stored bytes */
};

#endif
