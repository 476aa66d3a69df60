// The runs of the stories, summed: a table for the terminal, and docs/truth.md.

import { cpus, release } from 'node:os';
import type { Outcome } from '../../test/lib/run-story.ts';

export interface Run extends Outcome {
  readonly story: string;
  readonly twin: boolean;
  readonly run: number;
  /** Of the collector and the engine that made it. */
  readonly build: string;
  readonly date: string;
}

interface Summary {
  readonly name: string;
  readonly about: string;
  readonly quiet: boolean;
  readonly runs: number;
  readonly delays: number;
  /** Shares from 0 to 1; undefined where there is nothing to divide. */
  readonly precision: number | undefined;
  readonly recall: number | undefined;
  readonly unconserved: number;
  readonly topRight: number;
  readonly twins: number;
  readonly twinsWithCauses: number;
  readonly twinsWithLeads: number;
  readonly borneOut: number;
  readonly falseFindings: readonly string[];
  readonly wrong: readonly (readonly [said: string, share: number])[];
  /** What the first finding said in the last run in which it was right. */
  readonly said: string | undefined;
  /** What the first finding said where it was wrong. */
  readonly wrongTop: string | undefined;
}

const isCause = (said: string): boolean => said.startsWith('cause: ');

const total = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((sum, item) => sum + of(item), 0);

export function summaries(
  stories: readonly { readonly name: string; readonly about: string; readonly quiet: boolean }[],
  all: readonly Run[],
): Summary[] {
  return stories.map(story => {
    const mine = all.filter(run => run.story === story.name);
    const runs = mine.filter(run => !run.twin);
    const twins = mine.filter(run => run.twin);
    const trueNs = total(runs, run => run.trueNs);
    const blamedNs = total(runs, run => run.blamedNs);
    const rightNs = total(runs, run => run.rightNs);
    const wrong = new Map<string, number>();
    for (const [said, ns] of runs.flatMap(run => run.wrong)) wrong.set(said, (wrong.get(said) ?? 0) + ns);
    return {
      ...story,
      runs: runs.length,
      delays: total(runs, run => run.delays),
      // Nothing blamed is nothing blamed wrongly, but it is no merit either: 0.
      precision: trueNs === 0 ? undefined : blamedNs === 0 ? 0 : rightNs / blamedNs,
      recall: trueNs === 0 ? undefined : rightNs / trueNs,
      unconserved: total(mine, run => Number(run.unconservedNs !== 0)),
      topRight: total(runs, run => Number(run.topRight)),
      twins: twins.length,
      twinsWithCauses: total(twins, run => Number(run.falseFindings.some(isCause))),
      twinsWithLeads: total(twins, run => Number(run.falseFindings.some(said => !isCause(said)))),
      borneOut: total(twins, run => Number(run.borneOut.length > 0)),
      falseFindings: twins.flatMap(run => run.falseFindings),
      wrong: [...wrong].sort((a, b) => b[1] - a[1]).map(([said, ns]) => [said, ns / trueNs] as const),
      said: runs.findLast(run => run.topRight)?.top,
      wrongTop: runs.find(run => !run.topRight)?.top,
    };
  });
}

const percent = (share: number | undefined): string =>
  share === undefined ? '-' : `${(100 * share).toFixed(1)} %`;

const HEAD = [
  'story',
  'runs',
  'delays',
  'precision',
  'recall',
  'conserved',
  'top right',
  'quiet twins',
] as const;

function cells(each: Summary): string[] {
  const { runs, twins } = each;
  const notes = [
    each.twinsWithLeads > 0 ? `${each.twinsWithLeads} with a lead` : '',
    each.borneOut > 0 ? `${each.borneOut} borne out` : '',
  ].filter(Boolean);
  return [
    each.name,
    String(each.quiet ? twins : runs),
    each.quiet ? '-' : String(each.delays),
    percent(each.precision),
    percent(each.recall),
    each.unconserved === 0 ? 'exactly' : `not in ${each.unconserved}`,
    each.quiet ? '-' : `${each.topRight} of ${runs}`,
    `${twins - each.twinsWithCauses} of ${twins}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}`,
  ];
}

/** Mean of the stories, each counting the same. */
function means(all: readonly Summary[]): string[] {
  const told = all.filter(each => each.precision !== undefined);
  const mean = (of: (each: Summary) => number) =>
    told.length === 0 ? undefined : total(told, of) / told.length;
  return [
    'mean of stories',
    '',
    '',
    percent(mean(each => each.precision ?? 0)),
    percent(mean(each => each.recall ?? 0)),
  ];
}

export function textTable(all: readonly Summary[]): string {
  const rows = [[...HEAD], ...all.map(cells), means(all)];
  const width = (column: number) => Math.max(...rows.map(row => (row[column] ?? '').length));
  return rows
    .map(row =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(width(column)) : cell.padStart(width(column))))
        .join('  '),
    )
    .join('\n');
}

/** What was said wrongly, for whoever mends it: the log's word and what the explanation said, with its share of the delays. */
export function wrongs(all: readonly Summary[]): string {
  const lines = all.flatMap(each => {
    const said = each.wrong.filter(([, share]) => share >= 0.01).slice(0, 5);
    return [
      ...said.map(([what, share]) => `- ${each.name}: ${percent(share)} of the delays is "${what}"`),
      ...(each.wrongTop === undefined ? [] : [`- ${each.name}: the first finding was "${each.wrongTop}"`]),
      ...[...new Set(each.falseFindings)].slice(0, 3).map(what => `- ${each.name}, twin: "${what}"`),
    ];
  });
  return lines.length === 0 ? 'Nothing was said wrongly.' : `Said wrongly:\n${lines.join('\n')}`;
}

/** docs/truth.md. */
export function truthPage(all: readonly Summary[]): string {
  const markdown = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  const [cpu] = cpus();
  const date = new Date().toISOString().slice(0, 10);
  return `# How true the causes are

Made by \`npm run stories\`; do not edit. ${date}, Linux ${release()}, ${cpus().length} x ${cpu?.model ?? process.arch}.

Each story (\`test/stories/\`, \`test/workloads/\`) is a program that does one thing wrong and logs each of its own delays:
who was late, from when to when, and why; and where it was late for no reason of the story (\`machine\`: it had no CPU, or a
timer let it go late). It is captured for real, and the delays that are found in it, each explained whole, are held against
the log. With B = the time of the true delays whose deepest leaf names the right victim, culprit, object and kind:
**precision** = B / all time that was given to a leaf other than *unexplained* in the delays that were found, true ones or
not; **recall** = B / all time of the true delays, found or not. **Conserved**: the parts of every tree add up to
the nanosecond. **Top right**: the first finding that is not borne out beside the story names
thread, object and leaf. **Quiet twins**: the same program without
the trouble, in which nothing was called a cause. *With a lead*: a suspicion was told, as a lead. *Borne out*: what was told
is a wait for a CPU that another recorder of the scheduler, \`perf\`, or the threads' own clocks saw at the same time: other
programs of the machine, or its host, took it.

${markdown(HEAD)}
${markdown(HEAD.map(() => '---'))}
${[...all.map(cells), [...means(all), '', '', '']].map(markdown).join('\n')}

## The stories

What happens in each, and what the first finding said of it in one run.

${all.map(({ name, about, said }) => `- **${name}**: ${about}${said === undefined ? '' : `\n  > ${said}`}`).join('\n')}

## Where it falls short

${wrongs(all)}
`;
}
