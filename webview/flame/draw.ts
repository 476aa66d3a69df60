// Flame boxes on a canvas. A box has the colour of what it is part of: the CUDA function's kind, or the reason of the
// wait; the frames below it the same, further back, the kernel's furthest.

import type { FlameTree } from '../../extension/trace/api.ts';
import { type Meaning, meaningOfReason } from '../base/colours.ts';
import { plain, shorten } from '../base/format.ts';
import type { Theme } from '../base/theme.ts';
import type { Brush } from '../timeline/brush.ts';
import type { Box } from './layout.ts';

export const BOX_HEIGHT = 19;

const TEXT_FROM_PX = 28;
const CHARACTER_PX = 6.4;

/** The meaning of each node: its own where it is a function or a reason, else its parent's. */
export function meaningsOf(
  tree: FlameTree,
  categoryOf: (functionName: string) => Meaning,
): readonly Meaning[] {
  const meanings: Meaning[] = [];
  tree.name.forEach((name, node) => {
    const kind = tree.frameKind[node];
    const inherited = meanings[tree.parent[node] ?? -1] ?? 'thread';
    meanings.push(kind === 'cuda' ? categoryOf(name) : kind === 'reason' ? meaningOfReason(name) : inherited);
  });
  return meanings;
}

const strengthOf = (kind: string | undefined): number =>
  kind === 'cuda' || kind === 'reason' ? 1 : kind === 'kernel' ? 0.42 : 0.62;

export function drawFlame(
  brush: Brush,
  tree: FlameTree,
  boxes: readonly Box[],
  meanings: readonly Meaning[],
  found: ReadonlySet<number> | undefined,
  hovered: Box | undefined,
  theme: Theme,
  view: { readonly width: number; readonly height: number; readonly scrollTop: number },
): void {
  brush.begin(view.width, view.height, theme);
  const { context } = brush;
  context.textBaseline = 'middle';
  context.font = `11.5px ${theme.font}`;
  for (const box of boxes) {
    const y = box.depth * BOX_HEIGHT - view.scrollTop;
    if (y + BOX_HEIGHT < 0 || y > view.height) continue;
    const width = Math.max(1, box.width - (box.width > 3 ? 1 : 0));
    const { node } = box;
    const meaning = node === undefined ? 'unexplained' : (meanings[node] ?? 'thread');
    const kind = node === undefined ? undefined : tree.frameKind[node];
    const matches = found === undefined || (node !== undefined && found.has(node));
    context.globalAlpha = node === 0 ? 0.5 : strengthOf(kind) * (matches ? 1 : 0.3);
    context.fillStyle = theme.fill[meaning];
    context.fillRect(box.left, y, width, BOX_HEIGHT - 1);
    if (meaning === 'runnable' && kind === 'reason' && width > 3) {
      context.fillStyle = brush.hatch;
      context.fillRect(box.left, y, width, BOX_HEIGHT - 1);
    }
    context.globalAlpha = 1;
    if (found !== undefined && matches && width > 2) outline(context, box, y, width, theme.warning);
    if (box === hovered) outline(context, box, y, width, theme.foreground);
    if (width < TEXT_FROM_PX) continue;
    const most = Math.floor((width - 8) / CHARACTER_PX);
    const text = shorten(plain(node === undefined ? `${box.merged} merged` : (tree.name[node] ?? '')), most);
    const room = brush.widthOf(text, context.font);
    if (room > width - 6) continue;
    if (meaning === 'runnable' && kind === 'reason') {
      context.fillStyle = theme.fill.runnable;
      context.fillRect(box.left + 2, y + 2, room + 4, BOX_HEIGHT - 5);
    }
    // Faded boxes show the page through: its own ink reads on them, whatever the colour.
    const solid = strengthOf(kind) === 1 && matches && node !== 0;
    context.fillStyle = solid ? theme.ink[meaning] : theme.foreground;
    context.fillText(text, box.left + 4, y + BOX_HEIGHT / 2);
  }
}

function outline(
  context: CanvasRenderingContext2D,
  box: Box,
  y: number,
  width: number,
  colour: string,
): void {
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.strokeRect(box.left + 0.5, y + 0.5, width - 1, BOX_HEIGHT - 2);
}
