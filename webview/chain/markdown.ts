// A cause as text for a ticket or a chat: its sentence, its tree, the rows it stands on.

import type { Cause } from '../../extension/trace/api.ts';
import { formatCount, formatDuration, formatShare, plain } from '../base/format.ts';
import { rowKey } from '../shell/store.ts';
import { chainRows, edgeName } from './layout.ts';

/** A stranger's names stay words: nothing of them becomes a link or a heading. */
const escaped = (text: string): string => plain(text).replace(/[\\`*_[\]<>#|]/g, '\\$&');

export function causeAsMarkdown(cause: Cause): string {
  const lines = [
    `**${escaped(cause.sentence)}**`,
    '',
    `${formatCount(cause.count)} times, ${formatDuration(cause.timeNs)} in all; ${formatShare(cause.explained)} explained; confidence ${cause.confidence.value.toFixed(2)}.`,
    ...(cause.remedy === undefined ? [] : ['', `What to do: ${escaped(cause.remedy)}`]),
  ];
  const [worst] = cause.examples;
  if (worst === undefined) return `${lines.join('\n')}\n`;
  lines.push('', `The worst, ${formatDuration(worst.durationNs)}:`, '');
  for (const row of chainRows(worst)) {
    const name = edgeName(row.node.edge);
    const evidence = row.rows.slice(0, 3).map(rowKey).join(', ');
    lines.push(
      `${'  '.repeat(row.level - 1)}- ${name === undefined ? '' : `${name}: `}${escaped(row.node.label)} — ` +
        `${formatDuration(row.timeNs)}, ${formatShare(row.share)}${evidence === '' ? '' : ` (${escaped(evidence)})`}`,
    );
  }
  return `${lines.join('\n')}\n`;
}
