// What a tool may be asked with. An argument that it does not know is refused, never dropped: dropping a misspelt
// filter answers another question than was asked.

import * as z from 'zod';
import { nearest } from '../trace/query/nearest.ts';
import { listed, plain } from './words.ts';

/** An object of these arguments and no others; the error names the unknown one, the nearest known, and all of them. */
export function inputOf<S extends z.ZodRawShape>(shape: S) {
  return z.strictObject(shape, {
    error: issue =>
      issue.code === 'unrecognized_keys'
        ? unknownArgument(issue.keys[0] ?? '', Object.keys(shape))
        : undefined,
  });
}

function unknownArgument(given: string, known: readonly string[]): string {
  const near = nearest(given, known);
  return (
    `unknown argument "${plain(given).slice(0, 64)}"${near === undefined ? '.' : `; did you mean "${near}"?`} ` +
    `Allowed: ${listed(known)}.`
  );
}
