// How sure a story is: as sure as its weakest link, and which links those are.

import type { Cause } from '../api.ts';
import { SEEN } from './nodes.ts';
import type { Path } from './story.ts';
import { confidenceOf, type Strand } from './strand.ts';
import { named } from './words.ts';

/** `rootTrust`: confidence in the delay itself, which suffers where CUDA calls are missing inside a gap. */
export function confidence(path: Path, rootTrust: number): Cause['confidence'] {
  const loweredBy: string[] = [];
  if (rootTrust < SEEN - 0.005) {
    loweredBy.push('CUDA calls were lost or left out in this time: the gap may be none');
  }
  let value = rootTrust;
  for (const strand of path) {
    const link = confidenceOf(strand);
    value = Math.min(value, link);
    if (link < SEEN - 0.005) loweredBy.push(doubt(strand, link));
  }
  return { value: Math.round(value * 100) / 100, loweredBy };
}

function doubt(strand: Strand, link: number): string {
  const { edge, thread } = strand.worst;
  const sure = `(${Math.round(link * 100) / 100})`;
  if (edge === 'unexplained') return `a part is unexplained: ${strand.worst.label}`;
  if (link < 0.58) return `scheduler events were lost or left out in this time ${sure}`;
  switch (edge) {
    case 'held_by':
      return `that ${named(thread)} held the lock is inferred from its unlock: it was not seen to take it ${sure}`;
    case 'waited_for':
      return `${named(thread)} is known as the one that ended the wait, no more ${sure}`;
    case 'disk':
      return `which request the disk wait was for was not seen ${sure}`;
    case 'on_cpu':
    case 'gpu':
      return `that it ran is known only from not being off the CPU ${sure}`;
    default:
      return `${strand.worst.label} ${sure}`;
  }
}
