// Where an imported trace came from, and what that tool's file cannot say: before anyone reads a number of it.

import type { TraceSummary } from '../api.ts';
import { clean } from '../columns/text.ts';
import type { Store } from './store.ts';

/** meta.imported, as far as it can be believed: anyone may have written it. */
export function importedFrom(store: Store): TraceSummary['imported'] {
  const value = metaOf(store);
  if (value === undefined) return undefined;
  const text = (given: unknown): string | undefined => (typeof given === 'string' ? clean(given) : undefined);
  const [tool, version, file] = [value['tool'], value['schema'], value['file']].map(text);
  return { tool: tool ?? 'another tool', version, file: file ?? '?' };
}

export function importRemarks(store: Store): readonly string[] {
  const imported = importedFrom(store);
  if (imported === undefined) return [];
  const { tool, version, file } = imported;
  return [
    `Imported from ${file} of ${tool}${version === undefined ? '' : ` (its version ${version})`}.`,
    `${tool} stores a choice of the calls: a gap between two in this file need not be one.`,
    `It stores a choice of the switches, of main threads only: time that is not off the CPU need not be on it.`,
    'It records no reasons, wakers or lock holders: what a thread waited for is not known.',
    ...refused(store),
  ];
}

function refused(store: Store): readonly string[] {
  const rows = fieldsOf(metaOf(store)?.['rows']);
  return Object.entries(rows).flatMap(([table, counts]) => {
    const { rows: all, imported } = fieldsOf(counts);
    if (typeof all !== 'number' || typeof imported !== 'number' || imported >= all) return [];
    return [`${all - imported} of ${all} rows of ${clean(table)} were not imported: their values cannot be.`];
  });
}

const metaOf = (store: Store): Readonly<Record<string, unknown>> | undefined => {
  const value = store.meta.get('imported');
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
};

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
