// The page's way in: says `ready`, gets `hello`, asks what the trace is, builds the frame around its pictures. Until
// then, and when the trace cannot be shown, there is a sentence: never an empty picture.

import { CallError, Client } from './base/client.ts';
import { Data } from './base/data.ts';
import { el } from './base/dom.ts';
import { connect } from './base/transport.ts';
import type { HostMessage, ViewState } from './protocol.ts';
import { PROTOCOL_VERSION } from './protocol.ts';
import { failurePage } from './shell/failure.ts';
import { Shell } from './shell/shell.ts';
import { FIRST_STATE, Store } from './shell/store.ts';

const KEEP_AFTER_MS = 150;
const GONE = 'The viewer was ended. Start it again to go on.';

let file = '';
let store: Store | undefined;
let failed = false;
/** A wish that came before there was anything to show it in. */
let wish: Extract<HostMessage, { type: 'reveal' }> | undefined;

const transport = connect({ message: receive, closed: () => fail({ reason: 'cancelled', message: GONE }) });
const client = new Client(message => transport.send(message));

function fail(error: {
  readonly reason: CallError['reason'];
  readonly message: string;
  readonly hint?: string;
}): void {
  if (failed) return;
  failed = true;
  client.close(error.message);
  document.body.replaceChildren(failurePage(file, error, () => transport.send({ type: 'import' })));
}

function receive(message: HostMessage): void {
  switch (message.type) {
    case 'hello':
      file = message.file;
      void start(transport.kept() ?? message.state);
      return;
    case 'failed':
      fail(message.error);
      return;
    case 'importing':
      tellImport(message.done, message.all);
      return;
    case 'reply':
      client.receive(message);
      return;
    case 'reveal':
      if (store === undefined) wish = message;
      else store.update({ tab: message.tab, selection: message.selection, visible: undefined });
      return;
  }
}

/** While the page waits for a trace that is still being made. */
function tellImport(done: number, all: number): void {
  const share = all === 0 ? '' : ` ${Math.floor((100 * done) / all)} %`;
  document.querySelector('main.opening')?.replaceChildren(`Importing ${file} …${share}`);
}

async function start(kept: ViewState | undefined): Promise<void> {
  document.body.replaceChildren(el('main', { class: 'opening quiet', role: 'status' }, `Opening ${file} …`));
  try {
    const summary = await client.call('summary', undefined);
    const revealed = wish && { tab: wish.tab, selection: wish.selection, visible: undefined };
    store = new Store(revealed ?? kept ?? FIRST_STATE);
    keepState(store);
    const shell = new Shell({
      client,
      store,
      data: new Data(client, summary),
      send: message => transport.send(message),
    });
    document.body.replaceChildren(shell.element);
    shell.start();
  } catch (error) {
    if (error instanceof CallError) {
      fail({
        reason: error.reason,
        message: error.message,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      });
    } else {
      fail({
        reason: 'internal',
        message: `The viewer failed: ${error instanceof Error ? error.message : String(error)}`,
      });
      throw error;
    }
  }
}

/** Not at every step of a pan: a moment after the last. */
function keepState(of: Store): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  of.subscribe(() => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      transport.keep(of.state);
      transport.send({ type: 'state', state: of.state });
    }, KEEP_AFTER_MS);
  });
}

transport.send({ type: 'ready', protocol: PROTOCOL_VERSION });
