// Whether time between two calls of the file is time without a call. A file whose recorder stored a choice of the calls
// says that it is not, by a row of `coverage` that an importer writes; then a gap is nothing to explain.

import type { DatabaseSync } from 'node:sqlite';

/** coverage.what of that row, with `kept` 0. */
export const GAPS = 'gaps between calls';

export function gapsKnown(db: DatabaseSync): boolean {
  const row = db.prepare('SELECT count(*) AS n FROM coverage WHERE what = ? AND kept = 0').get(GAPS);
  return row?.['n'] === 0;
}
