// A thread waits on a socket whose packets were lost and sent again: the network's doing, whoever made the wake-up in
// the end. A retransmit of that very socket is seen; one that came from the peer's address may be of another connection
// between the two, and is a lead.

import type { CauseNode } from '../api.ts';
import { reasonOf } from '../columns/off-cpu.ts';
import { sentAgain } from '../columns/retransmits.ts';
import { leaf } from './nodes.ts';
import type { Wait } from './wait.ts';
import type { Walk } from './walk.ts';

/** Of "tcp 10.0.0.1:5000 -> 10.0.0.2:80" the other end; a name of another form may be the peer itself. */
export const peerOf = (name: string): string => name.slice(name.lastIndexOf(' ') + 1);

export function retransmitted(walk: Walk, wait: Wait): CauseNode | undefined {
  const { offCpu, evidence } = walk.columns;
  const object = walk.object(wait.row);
  if (object === undefined) return undefined;
  if (reasonOf(offCpu, wait.row) !== 'socket' && object.kind !== 'socket') return undefined;
  const { startNs, endNs } = wait;
  const own = sentAgain(evidence.retransmits.bySocket.get(object.id), startNs, endNs);
  const seen = own.length > 0;
  const found = seen
    ? own
    : sentAgain(evidence.retransmits.bySource.get(peerOf(object.name ?? '')), startNs, endNs);
  if (found.length === 0) return undefined;
  return leaf({
    edge: 'network',
    state: 'network',
    thread: walk.ref(wait.thread),
    startNs,
    endNs,
    label: seen
      ? 'waiting for the network: packets of this very socket were lost and sent again'
      : `waiting for the network: ${object.name ?? 'its peer'} had to send packets again`,
    ...walk.sure(seen ? 'host' : 'pattern', startNs, endNs, wait.row),
    rows: [walk.offCpuRow(wait.row), ...found.map(({ id }) => ({ table: 'tcp_retransmit', id }) as const)],
    object,
  });
}
