// What a host says (its standard error, its questions, the names of its processes), made fit for a sentence of ours: on
// one line, without characters that move the cursor or turn the direction of text, and of bounded length.

/** Long enough for a path and a reason. */
const MOST_CHARACTERS = 240;

export function plain(text: string, most = MOST_CHARACTERS): string {
  const line = text
    .replace(/\s+/g, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu, '')
    .trim();
  return line.length <= most ? line : `${line.slice(0, most - 1).trimEnd()}…`;
}

/** The last line that says something: programs end with the reason. Empty when there is none. */
export const lastLine = (text: string): string => {
  const lines = text.split(/[\r\n]+/).map(line => plain(line));
  return lines.findLast(line => line !== '') ?? '';
};

/** The same in brackets behind a space, or nothing. */
export const inBrackets = (text: string): string => {
  const words = lastLine(text).replace(/\.$/, '');
  return words === '' ? '' : ` (${words})`;
};
