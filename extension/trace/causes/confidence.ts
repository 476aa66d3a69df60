// How sure a story is: as sure as its weakest link, and which links those are.

import type { Cause, Doubt } from '../api.ts';
import { SEEN } from './nodes.ts';
import type { Path } from './story.ts';
import { confidenceOf, type Strand } from './strand.ts';
import { named, percent } from './words.ts';

/** A doubt about less than this share of a link's time is not worth naming. */
const WORTH_NAMING = 0.01;

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
    if (link >= SEEN - 0.005) continue;
    const sure = ` (${Math.round(link * 100) / 100})`;
    if (strand.worst.edge === 'unexplained') {
      loweredBy.push(`a part is unexplained: ${strand.worst.label}`);
      continue;
    }
    for (const [doubt, timeNs] of strand.doubts) {
      const share = strand.timeNs === 0 ? 0 : timeNs / strand.timeNs;
      if (share < WORTH_NAMING) continue;
      const some = share >= 0.995 ? '' : ` for ${percent(share)} of it`;
      loweredBy.push(`${because(strand, doubt)}${some}${sure}`);
    }
  }
  return { value: Math.round(value * 100) / 100, loweredBy: [...new Set(loweredBy)] };
}

function because({ worst }: Strand, doubt: Doubt): string {
  const who = named(worst.thread);
  switch (doubt) {
    case 'loss':
      return 'events were lost or left out in this time';
    case 'inferred':
      return `when ${who} got its CPU back is the kernel's own note, not an event that was seen`;
    case 'holder':
      return `that ${who} held the lock is inferred from its unlock: it was not seen to take it`;
    case 'waker':
      return ranAlone(worst.edge)
        ? `that ${who} ran is known only from not being off the CPU`
        : worst.edge === 'behind'
          ? `${who} got the CPU at the switch; how long it kept it was not recorded`
          : `${who} is known as the one that ended the wait, no more`;
    case 'pattern':
      return pattern(worst.edge, who);
  }
}

const ranAlone = (edge: string): boolean => edge === 'on_cpu' || edge === 'gpu' || edge === 'first_use';

function pattern(edge: string, who: string): string {
  switch (edge) {
    case 'disk':
      return 'which request the disk wait was for was not seen';
    case 'network':
      return 'the packets that were sent again came from the same address, which may have more connections';
    case 'waited_for':
      return `whether ${who} made the wake-up itself, or an interrupt that had borrowed it, was not recorded`;
    default:
      return 'it is read from the stack alone';
  }
}
