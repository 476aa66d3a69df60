// Trees of causes in an answer that must stay short: the paths to the heaviest leaf and to the competitor that took most
// always stay (the sentence names both), the rest goes first where it weighs least, and every cut leaves a mark.

import type { Cause, CauseNode } from '../trace/api.ts';

/** A node as it is sent: like CauseNode, with a mark where something below it was left out. */
export type SentNode = Omit<CauseNode, 'children'> & {
  readonly children: readonly SentNode[];
  readonly leftOut?: { readonly nodes: number; readonly timeNs: number };
};

export type SentCause = Omit<Cause, 'examples'> & { readonly examples: readonly SentNode[] };

const anyLeaf = (): boolean => true;
/** Leaves of the process that took the CPU for longest, all its leaves together. */
function competitor(root: CauseNode): (leaf: CauseNode) => boolean {
  const times = new Map<number, number>();
  const visit = (node: CauseNode): void => {
    const pid = competitorOf(node);
    if (pid !== undefined) times.set(pid, (times.get(pid) ?? 0) + node.durationNs);
    node.children.forEach(visit);
  };
  visit(root);
  const [most] = [...times].sort((a, b) => b[1] - a[1]);
  return leaf => most !== undefined && competitorOf(leaf) === most[0];
}

const competitorOf = ({ edge, thread }: CauseNode): number | undefined =>
  edge === 'behind' ? (thread?.pid ?? -1) : undefined;

/** The path from a node to the heaviest leaf below it (of those wanted), the node itself first. */
export function mainPath(
  root: CauseNode,
  wanted: (leaf: CauseNode) => boolean = anyLeaf,
): readonly CauseNode[] {
  let best: readonly CauseNode[] = [root];
  let heaviest = -1;
  const visit = (node: CauseNode, path: readonly CauseNode[]) => {
    if (node.children.length === 0) {
      if (wanted(node) && node.durationNs > heaviest) {
        heaviest = node.durationNs;
        best = path;
      }
      return;
    }
    for (const child of node.children) visit(child, [...path, child]);
  };
  visit(root, [root]);
  return best;
}

/** How much of each tree is kept. */
interface Measure {
  readonly examples: number;
  readonly children: number;
  readonly rows: number;
}

/** From generous to the bare path. */
const measures: readonly Measure[] = [
  { examples: 3, children: Number.POSITIVE_INFINITY, rows: Number.POSITIVE_INFINITY },
  { examples: 1, children: 8, rows: 4 },
  { examples: 1, children: 4, rows: 2 },
  { examples: 1, children: 2, rows: 1 },
  { examples: 1, children: 1, rows: 1 },
];

interface Fitted {
  readonly causes: readonly SentCause[];
  /** What was left out, in sentences; empty when everything fits. */
  readonly cuts: readonly string[];
}

/** As many of the causes, each with as much of its trees, as fit into so many characters of JSON; at least the first. */
export function fitCauses(causes: readonly Cause[], characters: number): Fitted {
  for (let kept = causes.length; kept > 0; kept = kept > 3 ? Math.ceil(kept / 2) : kept - 1) {
    for (const measure of kept === causes.length ? measures : measures.slice(-1)) {
      const sent = causes.slice(0, kept).map(cause => pruneCause(cause, measure));
      if (JSON.stringify(sent).length > characters && !(kept === 1 && measure === measures.at(-1))) continue;
      return { causes: sent, cuts: cutsOf(causes, kept, measure) };
    }
  }
  return { causes: [], cuts: [] };
}

function cutsOf(causes: readonly Cause[], kept: number, measure: Measure): string[] {
  const cuts: string[] = [];
  if (kept < causes.length) cuts.push(`${kept} of ${causes.length} causes; narrow the window or raise limit`);
  if (measure === measures[0]) return cuts;
  cuts.push(
    'one example for each cause, and only the heaviest branches of its tree; resolve_causal_chain gives one whole',
  );
  return cuts;
}

function pruneCause(cause: Cause, measure: Measure): SentCause {
  return {
    ...cause,
    examples: cause.examples
      .slice(0, measure.examples)
      .map(node =>
        pruneNode(node, measure, new Set([...mainPath(node), ...mainPath(node, competitor(node))])),
      ),
  };
}

function pruneNode(node: CauseNode, measure: Measure, paths: ReadonlySet<CauseNode>): SentNode {
  const ranked = [...node.children].sort(
    (a, b) => Number(paths.has(b)) - Number(paths.has(a)) || b.durationNs - a.durationNs,
  );
  const onPaths = ranked.filter(child => paths.has(child)).length;
  const kept = new Set(ranked.slice(0, Math.max(measure.children, onPaths)));
  const left = node.children.filter(child => !kept.has(child));
  const pruned = {
    ...node,
    rows: node.rows.slice(0, measure.rows),
    children: node.children.filter(child => kept.has(child)).map(child => pruneNode(child, measure, paths)),
  };
  if (left.length === 0) return pruned;
  return {
    ...pruned,
    leftOut: {
      nodes: left.reduce((sum, child) => sum + countNodes(child), 0),
      timeNs: left.reduce((sum, child) => sum + child.durationNs, 0),
    },
  };
}

function countNodes(node: CauseNode): number {
  return node.children.reduce((sum, child) => sum + countNodes(child), 1);
}
