// Links that open the editor where a finding is. They only navigate (commands.md).

import type { Span } from '../trace/time.ts';

export interface Place {
  readonly trace: string;
  readonly window?: Span | undefined;
  /** thread.id */
  readonly thread?: number | undefined;
  readonly cause?: string | undefined;
}

export function editorLink({ trace, window, thread, cause }: Place): string {
  const query = new URLSearchParams({ trace });
  if (window !== undefined) {
    query.set('start', String(window.startNs));
    query.set('end', String(window.endNs));
  }
  if (thread !== undefined) query.set('thread', String(thread));
  if (cause !== undefined) query.set('cause', cause);
  return `vscode://wakechain.wakechain/open?${query}`;
}
