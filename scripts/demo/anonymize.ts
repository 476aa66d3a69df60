// Takes from a trace of the demo whatever says whose machine it was captured on. Events stay as they were.
//   anonymize.ts RAW OUTPUT

import { copyFileSync, rmSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const [raw, output] = process.argv.slice(2);
if (raw === undefined || output === undefined) throw new Error('anonymize.ts RAW OUTPUT');

/** Processes of the story keep their names; so do the kernel's own threads, which are the same everywhere. */
const OURS = ['demo', 'spinner', 'engine', 'wakechain-colle'];

rmSync(output, { force: true });
copyFileSync(raw, output);
const db = new DatabaseSync(output);
db.function('short', { deterministic: true }, path => {
  const text = String(path ?? '');
  return path === null || !text.startsWith('/') ? path : `/opt/demo/${basename(text)}`;
});
const names = OURS.map(name => `'${name}'`).join(', ');
const kernel = '(pid = 2 OR parent_id IN (SELECT id FROM process WHERE pid = 2) OR pid = 0)';
db.exec(`
  BEGIN;
  UPDATE thread SET name = 'thread ' || id WHERE process_id IN
    (SELECT id FROM process WHERE is_target = 0 AND name NOT IN (${names}) AND NOT ${kernel});
  UPDATE process SET name = 'process ' || id WHERE is_target = 0 AND name NOT IN (${names}) AND NOT ${kernel};
  UPDATE process SET cgroup = NULL, container_id = NULL, details = NULL, executable = NULL,
    command_line = CASE WHEN name IN ('demo', 'spinner') THEN name END;
  UPDATE module SET path = short(path);
  UPDATE frame SET file = short(file);
  UPDATE wait_object SET name = short(name);
  UPDATE probe SET target = short(substr(target, 1, instr(target, ':') - 1)) || substr(target, instr(target, ':'))
    WHERE target LIKE '/%';
  UPDATE instant SET details = NULL;
  UPDATE meta SET value = '"sample-host"' WHERE key = 'host';
  UPDATE meta SET value = '["wakechain-collector","capture","--","demo","--variant","call"]' WHERE key = 'command_line';
  DELETE FROM meta WHERE key IN ('boot_id', 'check', 'targets', 'options');
  COMMIT;
  VACUUM;
`);
// Nothing that is left may look like a path of a home, a checkout or a temporary folder.
const text = (db.prepare("SELECT group_concat(path, ' ') AS t FROM module").get()?.['t'] ?? '') as string;
db.close();
console.log(`${basename(output)}: ${(statSync(output).size / 1e6).toFixed(1)} MB; modules: ${text}`);
