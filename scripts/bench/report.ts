// One line of the table that `npm run bench` prints.

export interface Row {
  readonly what: string;
  /** Of design/collector.md or design/views.md; empty where there is none. */
  readonly target: string;
  readonly measured: string;
  /** Who else, measured in the same run; empty where there is nobody. Figures from elsewhere have no place here. */
  readonly rival: string;
  /** Measured against the rival or against the floor, as text. */
  readonly ratio: string;
}

export type Bench = (root: string) => Promise<readonly Row[]>;

export function table(rows: readonly Row[]): string {
  const header: Row = {
    what: 'what',
    target: 'target',
    measured: 'measured',
    rival: 'rival, same run',
    ratio: 'ratio',
  };
  const columns: readonly (keyof Row)[] = ['what', 'target', 'measured', 'rival', 'ratio'];
  const width = (column: keyof Row) => Math.max(...[header, ...rows].map(row => row[column].length));
  const line = (row: Row) =>
    columns
      .map(column => row[column].padEnd(width(column)))
      .join('  ')
      .trimEnd();
  return [line(header), columns.map(column => '-'.repeat(width(column))).join('  '), ...rows.map(line)].join(
    '\n',
  );
}

export const us = (ns: number): string => `${(ns / 1000).toFixed(2)} us`;
export const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
export const times = (value: number): string => `${value.toFixed(2)} x`;
