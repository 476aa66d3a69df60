// Proves who we are, in the order that asks a person least: agent, key files, key files with a passphrase, the server's
// own questions, a password. What the server does not offer is not tried, and nothing is asked for it.
// This begins only after the host's key has been verified (host-key.ts): ssh2 authenticates after the key exchange.

import { readFile } from 'node:fs/promises';
import type {
  AnyAuthMethod,
  AuthenticationType,
  AuthHandlerMiddleware,
  IdentityCallback,
  ParsedKey,
  SignCallback,
  SigningRequestOptions,
} from 'ssh2';
import ssh2 from 'ssh2';
import type { SshSettings } from './config.ts';
import { cancelled, RemoteError } from './errors.ts';
import type { Prompts } from './prompts.ts';

const PASSWORD_TRIES = 3;

export interface Authenticator {
  readonly handler: AuthHandlerMiddleware;
  /** Why it failed: what was tried, what could not be used. Undefined while it has not. */
  failure(): RemoteError;
  /** Whether a person is being asked right now. */
  asking(): boolean;
}

/** What is asked of a person to let them in. */
type Questions = Pick<Prompts, 'passphrase' | 'password' | 'answers'>;

export async function authenticator(settings: SshSettings, prompts: Prompts): Promise<Authenticator> {
  const notes: string[] = [];
  const tried: string[] = [];
  let failed: RemoteError | undefined;
  let left: readonly string[] | undefined;
  let open = 0;
  const attended =
    <Question, Answer>(ask: (question: Question) => Promise<Answer>) =>
    async (question: Question): Promise<Answer> => {
      open++;
      try {
        return await ask(question);
      } finally {
        open--;
      }
    };
  const methods = attempts(
    settings,
    {
      passphrase: attended(question => prompts.passphrase(question)),
      password: attended(question => prompts.password(question)),
      answers: attended(question => prompts.answers(question)),
    },
    await keyFiles(settings, notes),
    tried,
    name => left?.includes(name) ?? true,
  );

  const handler: AuthHandlerMiddleware = (authsLeft, _partial, next) => {
    if (authsLeft) left = authsLeft;
    methods.next().then(
      step => next(step.done ? NO_MORE : step.value),
      error => {
        failed = error instanceof RemoteError ? error : new RemoteError('authentication', String(error));
        next(NO_MORE);
      },
    );
  };
  return {
    handler,
    failure: () => failed ?? refused(settings, tried, left ?? [], notes),
    asking: () => open > 0,
  };
}

/** ssh2 takes `false` for "no more methods", which its types do not say. */
const NO_MORE = false as unknown as AuthenticationType;

function refused(
  settings: SshSettings,
  tried: readonly string[],
  left: readonly string[],
  notes: readonly string[],
): RemoteError {
  const what = tried.length > 0 ? `tried: ${tried.join(', ')}` : 'there was nothing to try';
  const offered = left.length > 0 ? `; the host takes ${left.join(', ')}` : '';
  return new RemoteError(
    'authentication',
    `${settings.alias} did not let ${settings.user} in (${what}${offered}).${notes.map(note => ` ${note}`).join('')}`,
    `Check the user name and keys: "ssh ${settings.user}@${settings.hostName}" in a terminal should work the same way.`,
  );
}

interface KeyFile {
  readonly path: string;
  readonly contents: Buffer;
  readonly key: ParsedKey | undefined;
}

/** Reads the key files that exist. Those that need a passphrase have no key yet. */
async function keyFiles(settings: SshSettings, notes: string[]): Promise<KeyFile[]> {
  const files: KeyFile[] = [];
  for (const path of settings.identityFiles) {
    const contents = await readFile(path).catch(() => undefined);
    if (!contents) continue;
    const key = parse(contents);
    if (!(key instanceof Error)) files.push({ path, contents, key });
    else if (/encrypted|passphrase/i.test(key.message)) files.push({ path, contents, key: undefined });
    else
      notes.push(
        `${path} cannot be used here (${key.message}): security keys and certificates are not supported.`,
      );
  }
  return files;
}

function parse(contents: Buffer, passphrase?: string): ParsedKey | Error {
  const key: ParsedKey | ParsedKey[] | Error = ssh2.utils.parseKey(contents, passphrase);
  const first = Array.isArray(key) ? key[0] : key;
  return first ?? new Error('no key in the file');
}

async function* attempts(
  settings: SshSettings,
  prompts: Questions,
  files: readonly KeyFile[],
  tried: string[],
  offered: (method: string) => boolean,
): AsyncGenerator<AnyAuthMethod> {
  const username = settings.user;
  const host = settings.alias;
  // Tells what the host takes, and lets in where nothing is asked.
  yield { type: 'none', username };

  if (settings.agent !== undefined && offered('publickey')) {
    const only = settings.identitiesOnly ? await publicKeys(files) : undefined;
    tried.push('agent');
    yield { type: 'agent', username, agent: new QuietAgent(settings.agent, only) };
  }
  for (const file of files) {
    if (!file.key || !offered('publickey')) continue;
    tried.push(file.path);
    yield { type: 'publickey', username, key: file.key };
  }
  for (const file of files) {
    if (file.key || !offered('publickey')) continue;
    tried.push(file.path);
    yield { type: 'publickey', username, key: await unlock(file, prompts) };
  }
  if (offered('keyboard-interactive')) {
    tried.push('keyboard-interactive');
    for (let attempt = 0; attempt < PASSWORD_TRIES && offered('keyboard-interactive'); attempt++) {
      let walkedAway = false;
      yield {
        type: 'keyboard-interactive',
        username,
        prompt: (_name, instructions, _language, questions, finish) => {
          prompts
            .answers({
              host,
              instructions,
              prompts: questions.map(({ prompt, echo }) => ({ prompt, echo: echo ?? false })),
            })
            .catch(() => undefined)
            .then(answers => {
              walkedAway = answers === undefined;
              finish(answers ? [...answers] : []);
            });
        },
      };
      if (walkedAway) throw cancelled();
    }
  }
  for (let attempt = 0; attempt < PASSWORD_TRIES && offered('password'); attempt++) {
    const password = await prompts.password({ user: username, host, again: attempt > 0 });
    if (password === undefined) throw cancelled();
    if (attempt === 0) tried.push('password');
    yield { type: 'password', username, password };
  }
}

async function unlock(file: KeyFile, prompts: Questions): Promise<ParsedKey> {
  for (let attempt = 0; attempt < PASSWORD_TRIES; attempt++) {
    const passphrase = await prompts.passphrase({ keyFile: file.path, again: attempt > 0 });
    if (passphrase === undefined) throw cancelled();
    const key = parse(file.contents, passphrase);
    if (!(key instanceof Error)) return key;
  }
  throw new RemoteError(
    'authentication',
    `The passphrase of ${file.path} was wrong ${PASSWORD_TRIES} times.`,
    'Add the key to the agent (ssh-add), or try again.',
  );
}

/** The public halves beside the key files, as the agent names them. */
async function publicKeys(files: readonly KeyFile[]): Promise<Buffer[]> {
  const keys: Buffer[] = [];
  for (const file of files) {
    if (file.key) keys.push(file.key.getPublicSSH());
    const text = await readFile(`${file.path}.pub`, 'utf8').catch(() => '');
    const encoded = text.trim().split(/\s+/)[1];
    if (encoded) keys.push(Buffer.from(encoded, 'base64'));
  }
  return keys;
}

type AgentKey = string | Buffer | ParsedKey;
type ListedKey = AgentKey | { readonly pubKey: ListedKey };

/** ssh2 lists keys parsed, raw, or in an entry with a comment; one that it cannot use at all is left out. */
function parsedKey(listed: ListedKey): ParsedKey[] {
  if (typeof listed === 'string' || Buffer.isBuffer(listed)) {
    const parsed = parse(Buffer.from(listed));
    return parsed instanceof Error ? [] : [parsed];
  }
  return 'isPrivateKey' in listed ? [listed] : parsedKey(listed.pubKey);
}

/** The agent, seen as holding nothing when it cannot be reached, and only `only`'s keys where that is given. */
class QuietAgent extends ssh2.BaseAgent {
  readonly #agent: ssh2.BaseAgent;
  readonly #only: readonly Buffer[] | undefined;

  constructor(socket: string, only: readonly Buffer[] | undefined) {
    super();
    this.#agent = ssh2.createAgent(socket);
    this.#only = only;
  }

  override getIdentities(callback: IdentityCallback): void {
    this.#agent.getIdentities((_error, keys) => {
      const usable = (keys ?? []).flatMap(key => parsedKey(key));
      const only = this.#only;
      callback(
        undefined,
        only ? usable.filter(key => only.some(one => one.equals(key.getPublicSSH()))) : usable,
      );
    });
  }

  override sign(
    key: AgentKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    callback?: SignCallback,
  ): void {
    if (typeof options === 'function') this.#agent.sign(key, data, options);
    else this.#agent.sign(key, data, options, callback);
  }
}
