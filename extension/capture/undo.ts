// What was put on a host, each with the step that takes it away again, written down before it is put there. At the end
// the steps run in reverse, and what they could not remove is named.

export interface Undo {
  /** Completes "Left there: ...". */
  readonly what: string;
  run(signal: AbortSignal): Promise<void>;
}

/** Each step's share of time: the host may be gone. */
const STEP_MS = 15_000;

/** Runs the steps in reverse; what could not be taken away comes back in words, with the reason. */
export async function undo(steps: readonly Undo[]): Promise<string[]> {
  const leftovers: string[] = [];
  for (const step of steps.toReversed()) {
    try {
      await step.run(AbortSignal.timeout(STEP_MS));
    } catch (error) {
      const why = (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
      leftovers.push(why === '' ? step.what : `${step.what} (${why})`);
    }
  }
  return leftovers;
}
