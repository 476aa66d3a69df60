// Names come from the traced host and may hold anything: terminals' escape codes, line breaks, a megabyte of 'a'.
// What is shown is one short line of visible text.

const LONGEST = 160;

/** Without control, formatting and bidirectional characters; cut with an ellipsis where it is very long. */
export function clean(name: string): string {
  const visible = name.slice(0, LONGEST * 4).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '');
  return visible.length <= LONGEST ? visible : `${visible.slice(0, LONGEST - 1)}…`;
}
