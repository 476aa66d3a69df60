// How true the explanations of the delays that were found are (design/causes.md, "How truth is measured"). B = the
// nanoseconds of true delays whose deepest leaf names the right victim, culprit, object and kind; precision = B / all that
// was given to a leaf other than `unexplained` in the delays that were found, true ones or not; recall = B / all
// nanoseconds of true delays, found or not.

import type { CauseNode } from '../../extension/trace/api.ts';
import type { Explained } from './found.ts';
import { type Logged, says, type Words } from './story.ts';

export interface Score {
  readonly trueNs: number;
  readonly blamedNs: number;
  readonly rightNs: number;
  /** What was said instead, with the word of the log: "held: lock > on_cpu engine", and for how long. */
  readonly wrongNs: ReadonlyMap<string, number>;
}

interface Piece {
  readonly startNs: number;
  readonly endNs: number;
  /** Undefined: the log knows of no delay then. */
  readonly delay: Logged | undefined;
  readonly said: Logged | undefined;
}

/** "held/off" is told of delays that are `held`; "off" of every delay. */
const tells = (stretch: Logged, delay: Logged): boolean =>
  !stretch.word.includes('/') || stretch.word.startsWith(`${delay.word}/`);

const overlap = (a: Logged, startNs: number, endNs: number): boolean =>
  a.startNs < endNs && a.endNs > startNs;

/** The delay cut at what its culprits did meanwhile; each piece with the last word that covers it. */
function pieces(delay: Logged, stretches: readonly Logged[], words: readonly string[]): Piece[] {
  const near = stretches.filter(each => overlap(each, delay.startNs, delay.endNs) && tells(each, delay));
  const edges = [delay, ...near].flatMap(each => [each.startNs, each.endNs]);
  const cuts = [...new Set(edges)]
    .filter(at => at >= delay.startNs && at <= delay.endNs)
    .sort((a, b) => a - b);
  const rank = (each: Logged) => words.indexOf(each.word);
  return cuts.slice(1).map((endNs, i) => {
    const startNs = cuts[i] ?? endNs;
    const over = near.filter(each => each.startNs <= startNs && each.endNs >= endNs);
    const said = over.reduce((best, each) => (rank(each) >= rank(best) ? each : best), delay);
    return { startNs, endNs, delay, said };
  });
}

/** The tree's time cut at the true delays of its thread, which do not overlap, and these at what was done meanwhile. */
function cutsOf(
  tree: CauseNode,
  delays: readonly Logged[],
  stretches: readonly Logged[],
  words: Words,
): Piece[] {
  const endNs = tree.startNs + tree.durationNs;
  const true_ = delays
    .filter(each => each.tid === tree.thread?.tid && overlap(each, tree.startNs, endNs))
    .sort((a, b) => a.startNs - b.startNs);
  const cut: Piece[] = [];
  let at: number = tree.startNs;
  for (const delay of true_) {
    if (delay.startNs > at)
      cut.push({ startNs: at, endNs: delay.startNs, delay: undefined, said: undefined });
    cut.push(...pieces(delay, stretches, Object.keys(words)));
    at = delay.endNs;
  }
  if (at < endNs) cut.push({ startNs: at, endNs, delay: undefined, said: undefined });
  return cut;
}

export function paths(node: CauseNode, above: readonly CauseNode[] = []): CauseNode[][] {
  const path = [...above, node];
  return node.children.length === 0 ? [path] : node.children.flatMap(child => paths(child, path));
}

/** The path in short: edges, and the thread of each where it changes. */
export function inShort(path: readonly CauseNode[]): string {
  return path
    .slice(path.length > 1 ? 1 : 0)
    .map(node => `${node.edge} ${node.thread?.name ?? '?'}`)
    .join(' > ');
}

/** `delays`: the true ones, of every thread of the story. */
export function score(
  explained: readonly Explained[],
  delays: readonly Logged[],
  stretches: readonly Logged[],
  words: Words,
): Score {
  const wrongNs = new Map<string, number>();
  let blamedNs = 0;
  let rightNs = 0;
  for (const { tree, weight } of explained) {
    const cut = cutsOf(tree, delays, stretches, words);
    for (const path of paths(tree)) {
      const leaf = path.at(-1);
      if (leaf === undefined) continue;
      const leafEndNs = leaf.startNs + leaf.durationNs;
      for (const { startNs, endNs, delay, said } of cut) {
        const ns = weight * (Math.min(leafEndNs, endNs) - Math.max(leaf.startNs, startNs));
        if (ns <= 0) continue;
        if (leaf.edge !== 'unexplained') blamedNs += ns;
        const steps = said === undefined ? undefined : words[said.word];
        if (said !== undefined && steps === undefined)
          throw new Error(`the log says "${said.word}", which the story does not explain`);
        if (delay && said && steps && says(path, steps, delay, said)) rightNs += ns;
        else {
          const key = `${said?.word ?? 'not late'}: ${inShort(path)}`;
          wrongNs.set(key, (wrongNs.get(key) ?? 0) + ns);
        }
      }
    }
  }
  const trueNs = delays.reduce((sum, { startNs, endNs }) => sum + endNs - startNs, 0);
  const foundNs =
    rightNs + [...wrongNs].reduce((sum, [key, ns]) => (key.startsWith('not late') ? sum : sum + ns), 0);
  if (trueNs > foundNs) wrongNs.set('a delay that was not found', trueNs - foundNs);
  // The example of a sum may stand for a little more than there was.
  return { trueNs, blamedNs, rightNs: Math.min(rightNs, trueNs), wrongNs };
}
