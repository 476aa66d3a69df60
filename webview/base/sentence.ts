// Sentences of the trace engine with the names in them set off: functions and threads stand out, words stay quiet.

import type { Cause, CauseNode } from '../../extension/trace/api.ts';
import { el } from './dom.ts';
import { plain } from './format.ts';

export interface Part {
  readonly text: string;
  readonly kind: 'words' | 'name' | 'code';
}

const isWord = (character: string | undefined): boolean =>
  character !== undefined && /[\w.-]/.test(character);

/** Cuts a sentence at its `code` and at the names in it; a name inside a longer word is no name. Longer names win. */
export function emphasise(sentence: string, names: ReadonlySet<string>): readonly Part[] {
  return sentence
    .split(/`([^`]+)`/)
    .flatMap((text, index) => (index % 2 === 1 ? [{ text, kind: 'code' } as const] : namesCut(text, names)));
}

function namesCut(sentence: string, names: ReadonlySet<string>): readonly Part[] {
  const known = [...names].filter(name => name.length > 1).sort((a, b) => b.length - a.length);
  const parts: Part[] = [];
  let plainFrom = 0;
  let at = 0;
  while (at < sentence.length) {
    const name = isWord(sentence[at - 1])
      ? undefined
      : known.find(
          candidate => sentence.startsWith(candidate, at) && !isInside(sentence, at + candidate.length),
        );
    if (name === undefined) {
      at += 1;
      continue;
    }
    if (at > plainFrom) parts.push({ text: sentence.slice(plainFrom, at), kind: 'words' });
    parts.push({ text: name, kind: 'name' });
    at += name.length;
    plainFrom = at;
  }
  if (plainFrom < sentence.length) parts.push({ text: sentence.slice(plainFrom), kind: 'words' });
  return parts;
}

/** A full stop after a name ends the sentence; a dot inside goes on. */
const isInside = (sentence: string, end: number): boolean =>
  isWord(sentence[end]) && !(sentence[end] === '.' && !isWord(sentence[end + 1]));

/** Threads, their processes, and CUDA functions named anywhere in a cause. */
export function namesIn(causes: readonly Cause[]): ReadonlySet<string> {
  const names = new Set<string>();
  const walk = (node: CauseNode): void => {
    if (node.thread !== undefined) {
      names.add(node.thread.name);
      names.add(node.thread.process);
    }
    for (const [name] of node.label.matchAll(/\b(cu|nccl)[A-Z]\w+/g)) names.add(name);
    for (const child of node.children) walk(child);
  };
  for (const cause of causes) for (const example of cause.examples) walk(example);
  return names;
}

export const sentenceNodes = (sentence: string, names: ReadonlySet<string>): Node[] =>
  emphasise(sentence, names).map(({ text, kind }) =>
    kind === 'name'
      ? el('b', {}, text)
      : kind === 'code'
        ? el('code', {}, text)
        : document.createTextNode(plain(text)),
  );

/** The first sentence, where a list has room for one. */
export const firstSentence = (text: string): string => text.split(/(?<=\.) (?=\p{Lu})/u)[0] ?? text;
