// Which lock of the kernel a thread waited for, from its kernel stack: the function that asked for it, in words where it
// is the one everybody meets, the lock of a process's address space.

import type { StackSite } from '../columns/details.ts';
import type { Walk } from './walk.ts';

/** The scheduler and the locks' own functions: they wait for every lock alike. */
const PLUMBING =
  /^(_*schedule|preempt_schedule|io_schedule|_*rwsem_|_*down_|_*up_|_*mutex_|_*rt_mutex|_*ww_mutex|percpu_|_*percpu_down|rwbase_|_*raw_spin|queued_|_*wait_for_|call_rwsem|_*lock_(sock|two)|prepare_to_|_*cond_resched)/;
/** Take or hold the lock of the address space, mmap_lock (mm/mmap.c, mm/memory.c, mm/mprotect.c, mm/madvise.c). */
const ADDRESS_SPACE =
  /^(_*mmap_(read|write)_lock|vm_mmap|_*vm_munmap|_*do_mmap|_*do_munmap|ksys_mmap|_*x64_sys_(mmap|munmap|brk|mprotect|mremap|madvise)|_*arm64_sys_(mmap|munmap|brk|mprotect|mremap|madvise)|do_mprotect|do_madvise|madvise_|lock_mm_and_find_vma|do_user_addr_fault|do_page_fault|exc_page_fault|mm_populate|acct_collect|exit_mm|vm_brk)/;
const IN_WORDS = 'the address space of the process';
/** A probe looks itself up there (kernel/events/uprobes.c): without a capture nobody would have asked. */
const PROBE = /^(find_active_uprobe|handle_swbp|uprobe_)/;
const BY_PROBE = `${IN_WORDS}, asked for by a probe of this capture`;

/** "the address space of the process", "in ext4_file_write_iter"; undefined where no stack was taken. */
export function kernelSite(walk: Walk, row: number): string | undefined {
  const { offCpu, details } = walk.columns;
  const { kernelStackId } = details.offCpu(offCpu.id[row] ?? -1);
  return kernelStackId === undefined ? undefined : siteOf(details.stack(kernelStackId));
}

export function siteOf(frames: readonly StackSite[]): string | undefined {
  const asked = frames.find(({ function: name }) => !PLUMBING.test(name))?.function;
  if (asked === undefined) return undefined;
  if (PROBE.test(asked)) return BY_PROBE;
  return ADDRESS_SPACE.test(asked) ? IN_WORDS : `in ${asked}`;
}

export const isAddressSpace = (site: string | undefined): boolean => site?.startsWith(IN_WORDS) === true;

/** Whether a label says that it was a probe of the capture that asked. */
export const isByProbe = (label: string): boolean => label.includes(BY_PROBE);

/** Whether two waits were for one lock, as far as their stacks tell. */
export const isSameLock = (a: string | undefined, b: string | undefined): boolean =>
  a === b || (isAddressSpace(a) && isAddressSpace(b));
