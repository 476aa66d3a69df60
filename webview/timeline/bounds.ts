// When to ask for rectangles anew. An answer covers three times what was visible, at a resolution rounded down to a
// power of two: panning inside it and zooming within a factor of two need no question, and the last answer is drawn
// under a transform until a better one comes.

import { ns, type Span } from '../../extension/trace/time.ts';
import { lengthOf, nsPerPixel } from './camera.ts';

export interface Request {
  readonly window: Span;
  readonly resolutionNs: number;
}

/** The largest power of two that is not more than a pixel's time; at least 1 ns. */
export const resolutionOf = (visible: Span, width: number): number =>
  2 ** Math.max(0, Math.floor(Math.log2(nsPerPixel(visible, width))));

/** What to ask for so that `visible` on `width` pixels is drawn well; undefined when `have` serves it. */
export function wanted(
  visible: Span,
  width: number,
  have: Request | undefined,
  endNs: number,
): Request | undefined {
  const resolutionNs = resolutionOf(visible, width);
  if (
    have !== undefined &&
    have.resolutionNs === resolutionNs &&
    have.window.startNs <= visible.startNs &&
    have.window.endNs >= visible.endNs
  ) {
    return undefined;
  }
  const skirt = lengthOf(visible);
  return {
    window: {
      startNs: ns(Math.max(0, visible.startNs - skirt)),
      endNs: ns(Math.min(Math.max(endNs, visible.endNs), visible.endNs + skirt)),
    },
    resolutionNs,
  };
}
