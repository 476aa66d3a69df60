// What a captured trace is called on this machine: `<host>-<time>.wakechain.db`, in characters that every file system
// takes, sorting by time within a host.

const TRACE_SUFFIX = '.wakechain.db';

export function traceName(host: string, time: Date): string {
  const safeHost = host.replace(/[^A-Za-z0-9._]+/g, '-').replace(/^[-.]+|-+$/g, '') || 'host';
  return `${safeHost}-${time
    .toISOString()
    .replaceAll(':', '')
    .replace('T', '-')
    .replace(/\.\d+Z$/, '')}${TRACE_SUFFIX}`;
}

/** Host and time out of such a name; undefined for a file that was named otherwise. */
export function parseTraceName(name: string): { readonly host: string; readonly time: Date } | undefined {
  const match = /^(.+)-(\d{4}-\d\d-\d\d)-(\d\d)(\d\d)(\d\d)\.wakechain\.db$/.exec(name);
  if (!match) return undefined;
  const [, host = '', day, hours, minutes, seconds] = match;
  return { host, time: new Date(`${day}T${hours}:${minutes}:${seconds}Z`) };
}
