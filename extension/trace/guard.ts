// What a statement may do to an open trace: read. The authorizer is an allow-list, asked by SQLite while it compiles a
// statement; VACUUM INTO reaches it as ATTACH, and pragma_table_info() as PRAGMA. What it refused last is remembered,
// because SQLite itself only says "not authorized".

import { constants, type DatabaseSync } from 'node:sqlite';

/** Questions about tables and indexes. Every other PRAGMA is refused: query_only and writable_schema could be undone. */
const PRAGMAS = new Set([
  'table_info',
  'table_xinfo',
  'table_list',
  'index_list',
  'index_info',
  'index_xinfo',
]);

/** Functions that reach outside the database. */
const FUNCTIONS = new Set(['load_extension', 'fts3_tokenizer', 'readfile', 'writefile', 'edit']);

export interface Guard {
  /** What was refused since the last call, in words: "INSERT", "the function load_extension"; undefined if nothing was. */
  takeRefusal(): string | undefined;
}

/** Lets nothing through but reading, from now on and for good. */
export function guard(db: DatabaseSync): Guard {
  let refused: string | undefined;
  const deny = (what: string): number => {
    refused ??= what;
    return constants.SQLITE_DENY;
  };
  db.setAuthorizer((action, first, second) => {
    switch (action) {
      case constants.SQLITE_SELECT:
      case constants.SQLITE_READ:
      case constants.SQLITE_RECURSIVE:
        return constants.SQLITE_OK;
      case constants.SQLITE_FUNCTION: {
        const name = (second ?? '').toLowerCase();
        return FUNCTIONS.has(name) ? deny(`The function ${name}`) : constants.SQLITE_OK;
      }
      case constants.SQLITE_PRAGMA: {
        const name = (first ?? '').toLowerCase();
        return PRAGMAS.has(name) ? constants.SQLITE_OK : deny(`PRAGMA ${name}`);
      }
      default:
        return deny(actionNames.get(action) ?? 'This statement');
    }
  });
  return {
    takeRefusal: () => {
      const what = refused;
      refused = undefined;
      return what;
    },
  };
}

/** SQLITE_CREATE_TEMP_VIEW -> "CREATE TEMP VIEW". */
const actionNames = new Map<number, string>(
  Object.entries(constants).flatMap(([name, value]) =>
    /^SQLITE_(CREATE|DROP|ALTER|INSERT|UPDATE|DELETE|ATTACH|DETACH|TRANSACTION|SAVEPOINT|REINDEX|ANALYZE)/.test(
      name,
    )
      ? [[Number(value), name.slice('SQLITE_'.length).replaceAll('_', ' ')] as const]
      : [],
  ),
);
