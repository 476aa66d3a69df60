// From a step of a tree to the timeline: the step's interval, thread and first row become the shared selection, and
// the timeline moves there, whether it is in sight or not.

import type { Cause, CauseNode } from '../../extension/trace/api.ts';
import { ns, type Span } from '../../extension/trace/time.ts';
import type { Tab } from '../protocol.ts';
import type { App } from '../shell/app.ts';
import { fit } from '../timeline/camera.ts';

export const spanOf = (node: CauseNode): Span => ({
  startNs: node.startNs,
  endNs: ns(node.startNs + node.durationNs),
});

/** `tab` left out: what is in sight stays. */
export function showNode(app: App, cause: Cause, node: CauseNode, tab?: Tab): void {
  const window = spanOf(node);
  app.store.update({
    tab: tab ?? app.store.state.tab,
    visible: fit(window, app.data.summary.durationNs),
    selection: { window, thread: node.thread?.id, row: node.rows[0], cause: cause.id },
  });
}

export function showCause(app: App, cause: Cause, tab: Tab): void {
  const [worst] = cause.examples;
  if (worst !== undefined) showNode(app, cause, worst, tab);
  else app.store.update({ tab, selection: { ...app.store.state.selection, cause: cause.id } });
}
