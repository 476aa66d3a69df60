import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emphasise, firstSentence } from './sentence.ts';

const marked = (sentence: string, ...names: string[]): string =>
  emphasise(sentence, new Set(names))
    .map(part =>
      part.kind === 'words' ? part.text : part.kind === 'name' ? `[${part.text}]` : `<${part.text}>`,
    )
    .join('');

for (const [name, got, want] of [
  [
    'names stand out',
    marked('held by tokenizer, behind stress-ng', 'tokenizer', 'stress-ng'),
    'held by [tokenizer], behind [stress-ng]',
  ],
  [
    'longer names win',
    marked('behind stress-ng-cpu here', 'stress-ng', 'stress-ng-cpu'),
    'behind [stress-ng-cpu] here',
  ],
  ['not inside a word', marked('the engineer and engine-2', 'engine'), 'the engineer and engine-2'],
  ['a full stop ends a name', marked('It was engine.', 'engine'), 'It was [engine].'],
  ['at either end', marked('a1 met a1', 'a1'), '[a1] met [a1]'],
  ['names with signs of patterns', marked('by c++ (x)', 'c++'), 'by [c++] (x)'],
  ['code is set off by itself', marked('a `cudaMalloc` on engine', 'engine'), 'a <cudaMalloc> on [engine]'],
  ['no names in code', marked('`engine` runs', 'engine'), '<engine> runs'],
  ['the first sentence', firstSentence('It took 1.7 ms. The worst took 2 ms.'), 'It took 1.7 ms.'],
  ['no names', marked('nothing here'), 'nothing here'],
] as const) {
  test(name, () => assert.equal(got, want));
}
