// From a step of a tree to the timeline: the step's interval, thread and first row become the shared selection, and
// the timeline moves there, whether it is in sight or not.

import type { Cause, CauseNode } from '../../extension/trace/api.ts';
import { ns, type Span } from '../../extension/trace/time.ts';
import type { Tab } from '../protocol.ts';
import type { App } from '../shell/app.ts';
import { fit } from '../timeline/camera.ts';
import type { ChainRow } from './layout.ts';

export const spanOf = (node: CauseNode): Span => ({
  startNs: node.startNs,
  endNs: ns(node.startNs + node.durationNs),
});

type Step = Pick<ChainRow, 'node' | 'span' | 'rows'>;

/** `tab` left out: what is in sight stays. */
export function showStep(app: App, cause: Cause, step: Step, tab?: Tab): void {
  app.store.update({
    tab: tab ?? app.store.state.tab,
    visible: fit(step.span, app.data.summary.durationNs),
    selection: { window: step.span, thread: step.node.thread?.id, row: step.rows[0], cause: cause.id },
  });
}

export const showNode = (app: App, cause: Cause, node: CauseNode, tab?: Tab): void =>
  showStep(app, cause, { node, span: spanOf(node), rows: node.rows }, tab);

export function showCause(app: App, cause: Cause, tab: Tab): void {
  const [worst] = cause.examples;
  if (worst !== undefined) showNode(app, cause, worst, tab);
  else app.store.update({ tab, selection: { ...app.store.state.selection, cause: cause.id } });
}
