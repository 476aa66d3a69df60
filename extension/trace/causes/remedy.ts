// What to do, from the leaf of the story: only what follows from the evidence.

import type { Columns } from '../columns/index.ts';
import type { Path } from './story.ts';
import type { Strand } from './strand.ts';
import { competitor, named, percent } from './words.ts';

export function remedyOf(path: Path, columns: Columns): string | undefined {
  const last = path[path.length - 1];
  if (last === undefined) return undefined;
  const holder = path.find(strand => strand.worst.edge === 'held_by');
  switch (last.worst.edge) {
    case 'behind':
      return share(last, path[path.length - 2], holder);
    case 'throttled': {
      const thread = columns.threads.byId.get(last.worst.thread?.id ?? -1);
      const cgroup = thread === undefined ? undefined : columns.threads.processes[thread]?.cgroup;
      return `Raise the CPU quota of ${cgroup === undefined ? 'its control group' : `the control group ${cgroup}`} (cpu.max), or let it use fewer threads.`;
    }
    case 'disk':
      return `Take this disk access off ${(holder ?? last).worst.thread?.name ?? 'the thread'}: read ahead, or do it in another thread.`;
    case 'on_cpu':
      if (holder === undefined) return undefined;
      return `Shorten what ${named(holder.worst.thread)} does while it holds the lock, or let it work on a copy outside of it.`;
    case 'asked_to_sleep':
      if (holder === undefined) return undefined;
      return `${named(holder.worst.thread)} sleeps while it holds the lock: let it go first.`;
    case 'page_fault':
      return 'Touch this memory before it is needed (or lock it), so that the fault does not fall into the delay.';
    case 'network':
      return 'Packets of this socket were lost and sent again: look at the link and at the buffers of its receiver.';
    default:
      return undefined;
  }
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
