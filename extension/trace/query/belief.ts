// How far a trace can be believed: what was lost, thinned or refused, and whether the probes' counters add up.

import type { Belief, ProbeRow } from '../api.ts';
import { clean } from '../columns/text.ts';
import { ns } from '../time.ts';
import { importRemarks } from './imported.ts';
import type { Store } from './store.ts';

/** Stretches of loss or coverage that are listed; a remark says how many there are. */
const LISTED = 200;

export function probes(store: Store): readonly ProbeRow[] {
  const rows = store.db.prepare('SELECT * FROM probe ORDER BY id').all();
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? clean(value) : undefined);
  const count = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
  return rows.map(row => ({
    kind: text(row['kind']) ?? '',
    target: text(row['target']) ?? '',
    rung: text(row['rung']),
    placement: text(row['placement']),
    attached: row['attached'] === 1,
    error: text(row['error']),
    hits: count(row['hits']),
    emitted: count(row['emitted']),
    merged: count(row['merged']),
    filtered: count(row['filtered']),
    lost: count(row['lost']),
    missed: count(row['missed']),
  }));
}

export function belief(store: Store): Belief {
  return store.keep('belief', () => readBelief(store));
}

/** The same with what of the large tables could not be believed: for answers that were made from them. */
export function believed(store: Store): Belief {
  const known = belief(store);
  const remarks = store.columns.defects.map(defect => `Not believed in this file: ${defect}.`);
  return remarks.length === 0 ? known : { ...known, remarks: [...known.remarks, ...remarks] };
}

function readBelief(store: Store): Belief {
  const all = store.keep('probes', () => probes(store));
  const losses = store.db
    .prepare('SELECT start_ns, duration_ns, class, source, events FROM loss ORDER BY start_ns, class')
    .all()
    .map(row => ({
      startNs: ns(Number(row['start_ns'])),
      durationNs: ns(Number(row['duration_ns'])),
      class: String(row['class']),
      source: clean(String(row['source'])),
      events: Number(row['events']),
    }));
  const coverage = store.db
    .prepare('SELECT start_ns, duration_ns, what, reason, kept FROM coverage ORDER BY start_ns, what')
    .all()
    .map(row => ({
      startNs: ns(Number(row['start_ns'])),
      durationNs: ns(Number(row['duration_ns'])),
      what: clean(String(row['what'])),
      reason: clean(String(row['reason'])),
      kept: Number(row['kept']),
    }));
  const counted = all.reduce((sum, probe) => sum + (probe.lost ?? 0), 0);
  const listed = losses.reduce((sum, loss) => sum + loss.events, 0);
  const unequal = all.filter(probe => !addsUp(probe));
  const declared = store.meta.get('consistent') !== false;
  const remarks = [
    ...importRemarks(store),
    ...lossRemarks(counted, listed, losses),
    ...coverage
      .slice(0, 3)
      .map(c => `${share(c.kept)} ${c.what} were kept for ${seconds(c.durationNs)} (${c.reason}).`),
    ...(coverage.length > 3 ? [`${coverage.length - 3} more stretches were thinned on purpose.`] : []),
    ...refusedRemark(all),
    ...missedRemark(all),
    ...unequal
      .slice(0, 1)
      .map(p => `The counters of ${unequal.length} probes do not add up, ${p.target} first.`),
    ...(declared ? [] : ['The collector itself found that its counters do not add up.']),
  ];
  return {
    consistent: declared && unequal.length === 0,
    eventsLost: Math.max(counted, listed),
    losses: losses.slice(0, LISTED),
    coverage: coverage.slice(0, LISTED),
    probesAsked: all.length,
    probesAttached: all.filter(probe => probe.attached).length,
    remarks,
  };
}

/** hits = emitted + merged + filtered + lost, where the kernel counted (schema.sql). */
function addsUp({ hits, emitted, merged, filtered, lost }: ProbeRow): boolean {
  if (hits === undefined || emitted === undefined) return true;
  return hits === emitted + (merged ?? 0) + (filtered ?? 0) + (lost ?? 0);
}

function lossRemarks(counted: number, listed: number, losses: Belief['losses']): string[] {
  if (counted === 0 && listed === 0) return [];
  const lost = Math.max(counted, listed);
  const classes = [...new Set(losses.map(loss => loss.class))].join(', ');
  const where = classes === '' ? '' : ` (${classes})`;
  const said = `${lost} events were lost${where} in ${losses.length} stretches of time.`;
  return counted === listed
    ? [said]
    : [said, `The probes counted ${counted} lost events, the list of losses has ${listed}.`];
}

function refusedRemark(all: readonly ProbeRow[]): string[] {
  const refused = all.filter(probe => !probe.attached);
  const [first] = refused;
  if (first === undefined) return [];
  const which = first.target.split('/').at(-1) ?? first.target;
  const verb = refused.length === 1 ? 'was' : 'were';
  const more = refused.length === 1 ? '' : ', ...';
  return [
    `${refused.length} of ${all.length} probes ${verb} not attached: ${which} (${first.error ?? 'no reason given'})${more}.`,
  ];
}

function missedRemark(all: readonly ProbeRow[]): string[] {
  const missed = all.reduce((sum, probe) => sum + (probe.missed ?? 0), 0);
  return missed === 0 ? [] : [`The kernel skipped a probe ${missed} times because another one was running.`];
}

const share = (kept: number): string => (kept === 0 ? 'No' : `${percent(kept)} of`);
const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
const seconds = (durationNs: number): string => `${(durationNs / 1e9).toFixed(3)} s`;
