// A sentence on its way into a notification, a prompt or a list of the editor. Those render links ([text](command:...)) and
// icons ($(name)), and part of the sentence may come from another machine: here that becomes text, on one line, and of a
// length that can be read.

import { plain } from '../remote/words.ts';

export const LOG_CHANNEL = 'Wakechain';
const MOST_CHARACTERS = 900;

/** No link of the editor's can begin in it, and no icon. */
const harmless = (text: string): string => text.replaceAll('](', '] (').replaceAll('$(', '$ (');

/** For a notification: says where the rest is when it was cut. */
export function notice(sentence: string): string {
  const whole = harmless(plain(sentence, Number.POSITIVE_INFINITY));
  if (whole.length <= MOST_CHARACTERS) return whole;
  return `${whole.slice(0, MOST_CHARACTERS).trimEnd()}… (The log channel "${LOG_CHANNEL}" has the whole.)`;
}

/** For a line of a list, or a prompt: what a host calls something. */
export const label = (text: string, most?: number): string => harmless(plain(text, most));
