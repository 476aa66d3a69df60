// TCP segments that were sent again, by the socket a thread waited on, and by who sent them.

import type { DatabaseSync } from 'node:sqlite';
import { eachRow, integer, text } from './read.ts';

export interface Retransmit {
  readonly id: number;
  readonly atNs: number;
}

export interface Retransmits {
  /** By wait_object.id: of that very socket. */
  readonly bySocket: ReadonlyMap<number, readonly Retransmit[]>;
  /** By 'address:port' of the sender: what its peers wait for. */
  readonly bySource: ReadonlyMap<string, readonly Retransmit[]>;
}

export function loadRetransmits(db: DatabaseSync): Retransmits {
  const bySocket = new Map<number, Retransmit[]>();
  const bySource = new Map<string, Retransmit[]>();
  eachRow(db, 'SELECT id, at_ns, object_id, source FROM tcp_retransmit ORDER BY at_ns', cells => {
    const atNs = integer(cells[1]);
    if (atNs === undefined) return;
    const row = { id: integer(cells[0]) ?? -1, atNs };
    const socket = integer(cells[2]);
    const source = text(cells[3]);
    if (socket !== undefined) put(bySocket, socket, row);
    if (source !== undefined) put(bySource, source, row);
  });
  return { bySocket, bySource };
}

function put<K>(into: Map<K, Retransmit[]>, key: K, row: Retransmit): void {
  const rows = into.get(key);
  if (rows === undefined) into.set(key, [row]);
  else rows.push(row);
}

/** Those in [fromNs, toNs), by time; at most `most` of them. */
export function sentAgain(
  rows: readonly Retransmit[] | undefined,
  fromNs: number,
  toNs: number,
  most = 16,
): readonly Retransmit[] {
  if (rows === undefined) return [];
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle]?.atNs ?? 0) < fromNs) low = middle + 1;
    else high = middle;
  }
  const found: Retransmit[] = [];
  for (let at = low; at < rows.length && found.length < most; at++) {
    const row = rows[at];
    if (row === undefined || row.atNs >= toNs) break;
    found.push(row);
  }
  return found;
}
