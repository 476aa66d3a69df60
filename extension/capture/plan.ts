// What to capture, as a value: made by the dialogs of command.ts, or handed to the command by a program.

export type CaptureTarget =
  | { readonly kind: 'processes'; readonly pids: readonly number[] }
  | { readonly kind: 'all' }
  /** A shell line, run as the login user once the probes are in. */
  | { readonly kind: 'command'; readonly line: string };

export const PROFILES = ['minimal', 'standard'] as const;
export type Profile = (typeof PROFILES)[number];

export interface CapturePlan {
  readonly target: CaptureTarget;
  /** Undefined: as long as the command runs, or the collector's default of 10 s. */
  readonly durationSeconds: number | undefined;
  readonly profile: Profile;
}

/** The collector's arguments. */
export function captureArguments(
  plan: CapturePlan,
  output: string,
  login: { readonly uid: number; readonly user: string },
): string[] {
  const args = ['capture', '--output', output, '--owner', String(login.uid), '--control-stdin'];
  args.push('--profile', plan.profile);
  if (plan.durationSeconds !== undefined) args.push('--duration', String(plan.durationSeconds));
  switch (plan.target.kind) {
    case 'all':
      return [...args, '--all'];
    case 'processes':
      return [...args, ...plan.target.pids.flatMap(pid => ['--pid', String(pid)])];
    case 'command':
      return [...args, '--as', login.user, '--', ...commandWords(plan.target.line)];
  }
}

/**
 * A plain line is handed over as its words: the collector then finds the program's CUDA libraries before its first call.
 * Whatever needs a shell gets one.
 */
function commandWords(line: string): readonly string[] {
  const words = line.trim().split(/\s+/);
  const isPlain = words.every(word => /^[\w./:=@%+,-]+$/.test(word)) && !words[0]?.includes('=');
  const [first = ''] = words;
  return isPlain && first.includes('/') ? words : ['sh', '-c', line];
}
