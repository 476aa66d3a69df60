// Which keys a host is known by: reads known_hosts files (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT") and judges a key that
// a host shows. Plain, hashed, [host]:port, wildcards, negation, @revoked and @cert-authority.
// Stricter than OpenSSH in two places, on purpose: a host that is known by keys of other types only counts as changed,
// and an entry without a port does not vouch for the same name on another port.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export interface KnownHost {
  readonly marker: 'key' | 'revoked' | 'cert-authority';
  /** The first field: patterns with commas, or one hashed name. */
  readonly hosts: string;
  readonly keyType: string;
  readonly key: Buffer;
  readonly file: string;
  readonly line: number;
}

export type Verdict =
  | { readonly kind: 'known' }
  | { readonly kind: 'revoked'; readonly at: KnownHost }
  | { readonly kind: 'changed'; readonly at: KnownHost }
  /** `authority`: an entry names an authority for this host, whose certificates are not understood here. */
  | { readonly kind: 'unknown'; readonly authority: KnownHost | undefined };

const DEFAULT_PORT = 22;

/** The name that a host is looked up by. */
export const lookupName = (host: string, port: number): string =>
  port === DEFAULT_PORT ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;

/** The type that a public key in wire form names itself, or undefined when it is not one. */
export function keyTypeOf(key: Buffer): string | undefined {
  if (key.length < 4) return undefined;
  const length = key.readUInt32BE(0);
  return length > 0 && length <= 64 && key.length >= 4 + length
    ? key.toString('latin1', 4, 4 + length)
    : undefined;
}

/** As `ssh-keygen -l` prints it. */
export const fingerprint = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

export function parseKnownHosts(text: string, file: string): KnownHost[] {
  const entries: KnownHost[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const fields = raw.trim().split(/[ \t]+/);
    const first = fields[0] ?? '';
    if (first === '' || first.startsWith('#')) continue;
    const marker = first.startsWith('@') ? first.slice(1) : 'key';
    if (marker !== 'key' && marker !== 'revoked' && marker !== 'cert-authority') continue;
    const [hosts, keyType, encoded] = marker === 'key' ? fields : fields.slice(1);
    if (hosts === undefined || keyType === undefined || encoded === undefined) continue;
    const key = Buffer.from(encoded, 'base64');
    if (keyTypeOf(key) !== keyType) continue;
    entries.push({ marker, hosts, keyType, key, file, line: index + 1 });
  }
  return entries;
}

/** Whether the first field of an entry speaks of `name` (from lookupName). */
export function hostsMatch(hosts: string, name: string): boolean {
  if (hosts.startsWith('|')) return hashMatches(hosts, name);
  let matched = false;
  for (const pattern of hosts.toLowerCase().split(',')) {
    const negated = pattern.startsWith('!');
    if (!patternMatches(negated ? pattern.slice(1) : pattern, name)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

/** `|1|salt|HMAC-SHA1(salt, name)`, both in base64: what `HashKnownHosts yes` writes. */
function hashMatches(hashed: string, name: string): boolean {
  const [, version, salt, expected] = hashed.split('|');
  if (version !== '1' || salt === undefined || expected === undefined) return false;
  const actual = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  const wanted = Buffer.from(expected, 'base64');
  return wanted.length === actual.length && timingSafeEqual(wanted, actual);
}

/** `*` is any run of characters, `?` any one; nothing else is special. */
function patternMatches(pattern: string, name: string): boolean {
  if (pattern === '') return false;
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`).test(name);
}

const entriesFor = (entries: readonly KnownHost[], name: string): KnownHost[] =>
  entries.filter(entry => hostsMatch(entry.hosts, name));

/** The key types that a host is known by: asked for first, or a known host would look changed. */
export function knownKeyTypes(entries: readonly KnownHost[], name: string): string[] {
  const types = entriesFor(entries, name)
    .filter(entry => entry.marker === 'key')
    .map(entry => entry.keyType);
  return [...new Set(types)];
}

export function judge(entries: readonly KnownHost[], name: string, key: Buffer): Verdict {
  const about = entriesFor(entries, name);
  const revoked = about.find(entry => entry.marker === 'revoked' && entry.key.equals(key));
  if (revoked) return { kind: 'revoked', at: revoked };
  const keys = about.filter(entry => entry.marker === 'key');
  if (keys.some(entry => entry.key.equals(key))) return { kind: 'known' };
  const type = keyTypeOf(key);
  const other = keys.find(entry => entry.keyType === type) ?? keys[0];
  if (other) return { kind: 'changed', at: other };
  return { kind: 'unknown', authority: about.find(entry => entry.marker === 'cert-authority') };
}

/** The line that makes `key` known for `name`. */
export const knownHostsLine = (name: string, key: Buffer): string =>
  `${name} ${keyTypeOf(key) ?? ''} ${key.toString('base64')}\n`;
