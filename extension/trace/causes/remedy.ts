// What to do, from the leaf of the story: only what follows from the evidence.

import type { CauseKind } from '../api.ts';
import type { Columns } from '../columns/index.ts';
import { isGil } from './gil.ts';
import type { Path } from './story.ts';
import type { Strand } from './strand.ts';
import { competitor, named, percent } from './words.ts';

/** Undefined where the evidence calls for nothing: where time simply went, only a first use can be moved. */
export function remedyOf(path: Path, columns: Columns, kind: CauseKind): string | undefined {
  const last = path[path.length - 1];
  if (last === undefined) return undefined;
  if (last.worst.edge === 'first_use') {
    const what = last.worst.label.replace(/^in /, '').replace(/, on the CPU.*$/, '');
    return `Do it once before it counts: ${what} can be part of the warm-up.`;
  }
  if (kind !== 'cause' && kind !== 'lead') return undefined;
  const holder = path.findLast(({ worst }) => worst.edge === 'held_by');
  switch (last.worst.edge) {
    case 'behind':
      return share(last, path[path.length - 2], holder);
    case 'throttled':
      return throttled(last, columns);
    case 'disk':
      return `Take this disk access off ${(holder ?? last).worst.thread?.name ?? 'the thread'}: read ahead, or do it in another thread.`;
    case 'on_cpu':
      return holder === undefined ? undefined : shorten(holder, path);
    case 'asked_to_sleep':
      if (holder === undefined) return undefined;
      return `${named(holder.worst.thread)} sleeps while it holds the lock: let it go first.`;
    case 'page_fault':
      return /reclaim|free memory|compaction/.test(last.worst.label)
        ? 'The host, or its control group, is short of memory: give it more, or keep less in it.'
        : 'Touch this memory before it is needed (or lock it), so that the fault does not fall into the delay.';
    case 'network':
      return 'Packets of this socket were lost and sent again: look at the link and at the buffers of its receiver.';
    default:
      return undefined;
  }
}

function throttled(last: Strand, columns: Columns): string {
  const thread = columns.threads.byId.get(last.worst.thread?.id ?? -1);
  const cgroup = thread === undefined ? undefined : columns.threads.processes[thread]?.cgroup;
  const group = cgroup === undefined ? 'its control group' : `the control group ${cgroup}`;
  return `Raise the CPU quota of ${group} (cpu.max), or let it use fewer threads.`;
}

/** The holder computes under the lock: what can be done depends on which lock it is. */
function shorten(holder: Strand, path: Path): string {
  const who = named(holder.worst.thread);
  const lock = path[path.indexOf(holder) - 1]?.worst;
  if (lock !== undefined && isGil(lock.object)) {
    return `${who} runs Python code all the while: move that work to another process, or into code that lets go of Python's interpreter lock (GIL).`;
  }
  if (lock?.edge === 'kernel_lock') {
    return /address space/.test(lock.label)
      ? `${who} changes the address space of the process meanwhile: map and unmap memory less often, or keep it for use again.`
      : `Let ${who} do less at once on what both of them use.`;
  }
  return `Shorten what ${who} does while it holds the lock, or let it work on a copy outside of it.`;
}

function share(behind: Strand, waiting: Strand | undefined, holder: Strand | undefined): string {
  const victim = waiting?.worst.thread;
  const [cpu] = behind.cpus;
  const where = cpu === undefined || behind.cpus.size > 1 ? 'these CPUs' : `CPU ${cpu}`;
  const own = victim === undefined ? '' : `, or give ${named(victim)} a CPU of its own`;
  const move = `Keep ${where} from being shared: move ${competitor(behind.worst.thread)} to other CPUs${own} (taskset, a cpuset, isolcpus).`;
  const ran = holder?.children.get('on_cpu');
  if (holder === undefined || ran === undefined || holder.timeNs === 0) return move;
  const saved = ran.timeNs / holder.timeNs;
  const most = saved < 0.01 ? 'next to nothing' : `at most ${percent(saved)}`;
  return `${move} Shortening the lock's own work would save ${most} of this.`;
}
