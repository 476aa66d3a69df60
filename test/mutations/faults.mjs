// Faults that the tests of the causes must catch, each a replacement of text that stands in its file exactly once.
// `npm run mutate` puts them in, one at a time. A rule that is rewritten takes its fault along.

const causes = name => `extension/trace/causes/${name}.ts`;

/** @type {readonly { name: string, edits: readonly { file: string, find: string, put: string }[] }[]} */
export const faults = [
  fault('a cut off by one nanosecond', 'cut', [
    'const wokenNs = Math.min(endNs, offCpu.wokenNs[row] as number);',
    'const wokenNs = Math.min(endNs, (offCpu.wokenNs[row] as number) + 1);',
  ]),
  fault('the hand-off is not subtracted', 'lock', [
    'const ranNs = handedTo < 0 ? cursor : Math.min(unlockNs, offCpu.endNs[handedTo] as number);',
    'const ranNs = cursor;',
  ]),
  fault('segments shifted by one waker', 'lock', [
    'const row = wakes.row[wake] as number;',
    'const row = wakes.row[Math.min(wakes.row.length - 1, wake + 1)] as number;',
  ]),
  fault('an interrupted thread is blamed', 'wake-kind', [
    "if (context === 'interrupt' || waker === IDLE)",
    'if (waker === IDLE)',
  ]),
  fault('ksoftirqd is blamed', 'wake-kind', [
    "if (context === 'kernel_thread' || (context === 'not taken' && PASSES_ON.test(name))) {",
    'if (waker === -3) {',
  ]),
  fault("a condition variable's signaller is called holder", 'lock-kind', [
    'if (isGil(walk.object(row)) || !stackNamesLock(walk, row)) return undefined;',
    '',
  ]),
  fault('a time-out is called contention', 'sleep', [
    "'asked_to_sleep', 'sleep', `in a",
    "'lock', 'lock', `in a",
  ]),
  fault('the words of the GIL are not joined', 'wakes', [
    'twin === undefined ? [object] : [object, twin]',
    '[object]',
  ]),
  fault('waits for the GIL that time out are not joined', 'gil', ['last = next;', '']),
  fault(
    'preempted and blocked swapped',
    'cut',
    ["yield { kind: 'blocked',", "yield { kind: 'swapped',"],
    ["yield { kind: 'runnable',", "yield { kind: 'blocked',"],
    ["yield { kind: 'swapped',", "yield { kind: 'runnable',"],
  ),
  fault('a cycle is followed', 'walk', [
    'return this.#path.some(step => step.thread === thread && step.startNs < endNs && startNs < step.endNs);',
    'return this.#path.length < 0 && thread + startNs + endNs === 0;',
  ]),
  fault('loss is ignored in the confidence', 'sure', ['value *= LOSS;', '']),
  fault('an inferred end is taken for a seen one', 'sure', ['value = Math.min(value, INFERRED);', '']),
  fault(
    'runtime and driver call are both counted',
    'delays',
    ['if (calls.parent[row] === -1) count++;', 'count++;'],
    ['if (calls.parent[row] === -1) rows[next++] = row;', 'rows[next++] = row;'],
  ),
  fault('a gap is measured from the start of the call before', 'delays', [
    '(calls.endNs[outer[i - 1] as number] as number);',
    '(calls.startNs[outer[i - 1] as number] as number);',
  ]),
  fault('the median of a thread that is always slow is trusted', 'statistics', [
    'if (median <= floorNs) {',
    'if (median >= 0) {',
  ]),
  fault('a competitor is asked of the wrong CPU', 'runnable', [
    'const [queue, other] = preempted && before >= 0 ? [before, after] : [after, before];',
    'const [queue, other] = [-1, -1];',
  ]),
  fault('a piece that is too short is followed all the same', 'parts', [
    'first.make(first.endNs - first.startNs >= shortNs)',
    'first.make(true)',
  ]),
  fault('a crowd of pieces is not gathered', 'parts', [
    'if (runsOf(lengths, shortNs, shortNs) <= room)',
    'if (runsOf(lengths, shortNs, shortNs) >= 0)',
  ]),
  fault('what is usual for a loop is called slow', 'statistics', [
    'const HALF_AGAIN = 1.5;',
    'const HALF_AGAIN = 1;',
  ]),
  fault('slow calls are in the sum, too', 'delays', ['else tally(', 'tally(']),
  fault('the collector is blamed', 'kind', ['path.findLast((', 'path.find((']),
  fault('a lock that only a probe asked for blames its holder', 'kind', [
    "if (path.some(({ worst }) => worst.edge === 'kernel_lock' && isByProbe(worst.label))) return 'work';",
    "if (path.some(({ worst }) => isByProbe(worst.label) && worst.durationNs < 0)) return 'work';",
  ]),
  fault('whoever waits for a word about the GIL had held it', 'gil', [
    'offCpu.waker[row] === thread && isHandOver(walk, row)',
    'isHandOver(walk, row)',
  ]),
  fault('one occurrence is a cause', 'kind', ['const OFTEN = 3;', 'const OFTEN = 1;']),
  fault('the quota of a group is forgotten', 'runnable', [
    "if (reason === 'throttled') {",
    "if (reason === 'stopped') {",
  ]),
];

function fault(name, file, ...edits) {
  return { name, edits: edits.map(([find, put]) => ({ file: causes(file), find, put })) };
}
