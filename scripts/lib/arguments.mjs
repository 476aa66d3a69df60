// The arguments of a command, read before anything is set up or built: `--help` prints the usage and ends with 0, what
// is not allowed ends with 2 and a sentence that says what is. Plain Node 20, no dependencies.

import { parseArgs } from 'node:util';
import { Told } from './shell.mjs';

/** The usage was asked for: printed on standard output, exit status 0. */
class Help extends Told {
  status = 0;
}

/** The command was called wrongly: exit status 2. */
export class Misused extends Told {
  status = 2;
}

/**
 * Reads process.argv. `options` as parseArgs takes them; `names`: which positionals are allowed, none when left out,
 * any with `true`. Returns { values, positionals }; throws Help or Misused, which `main` of shell.mjs turns into words.
 */
export function readArguments({ usage, options = {}, names = [], args = process.argv.slice(2) }) {
  let parsed;
  try {
    parsed = parseArgs({
      args,
      options: { ...options, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    });
  } catch (error) {
    throw new Misused(`${error.message.split('. To specify')[0]}.\n\n${usage}`);
  }
  const { values, positionals } = parsed;
  if (values.help) throw new Help(usage);
  const unknown = names === true ? [] : positionals.filter(name => !names.includes(name));
  if (unknown.length > 0) {
    const allowed = names.length > 0 ? `there are: ${names.join(', ')}` : 'this command takes no names';
    throw new Misused(`Unknown: ${unknown.join(', ')}; ${allowed}.\n\n${usage}`);
  }
  return { values, positionals };
}

/** An option that is a whole number from 1 to `most`. */
export function wholeNumber(text, option, most) {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new Misused(`${option} is a whole number from 1 to ${most}, not "${text}".`);
}

/** An option that is one of a few words. */
export function oneOf(text, option, allowed) {
  if (allowed.includes(text)) return text;
  throw new Misused(`${option} is ${allowed.join(' or ')}, not "${text}".`);
}
