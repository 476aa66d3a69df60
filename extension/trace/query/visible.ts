// Text of the traced host as it may be shown whole: a command line, a demangled name, a path. Like `clean` of
// columns/text.ts without what does not print, but not cut to one short line.

const LONGEST = 4_000;

export function visible(text: string): string {
  const shown = text.slice(0, LONGEST).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, ' ');
  return text.length <= LONGEST ? shown : `${shown}…`;
}
