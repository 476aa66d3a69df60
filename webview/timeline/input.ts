// Wheel and pointer on the rows, as what they mean: pan, zoom at a point, a range drawn out, a click.

interface Gestures {
  /** Pixels to the right; the rows follow the pointer. */
  pan(pixels: number): void;
  scroll(pixels: number): void;
  zoom(factor: number, x: number): void;
  /** Both ends in pixels; `done` at release. */
  range(from: number, to: number, done: boolean): void;
  click(x: number, y: number): void;
  doubleClick(x: number, y: number): void;
  hover(x: number, y: number): void;
  leave(): void;
}

/** A press that moves less is a click. */
const CLICK_PX = 3;

/** Smooth at any wheel: a line of a mouse wheel is about 100 px and zooms by a fifth. */
const zoomFactor = (deltaY: number): number => Math.exp(-Math.max(-300, Math.min(300, deltaY)) / 500);

export function listen(canvas: HTMLCanvasElement, gestures: Gestures): void {
  let press:
    | { x: number; y: number; lastX: number; lastY: number; range: boolean; moved: boolean }
    | undefined;

  canvas.addEventListener(
    'wheel',
    event => {
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
      if (event.ctrlKey || event.metaKey) gestures.zoom(zoomFactor(event.deltaY), event.offsetX);
      else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) gestures.pan(-sideways);
      else return; // the rows scroll by themselves
      event.preventDefault();
    },
    { passive: false },
  );
  canvas.addEventListener('pointerdown', event => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    const { offsetX: x, offsetY: y } = event;
    press = { x, y, lastX: x, lastY: y, range: event.shiftKey, moved: false };
  });
  canvas.addEventListener('pointermove', event => {
    const { offsetX: x, offsetY: y } = event;
    if (press === undefined) return gestures.hover(x, y);
    press.moved ||= Math.hypot(x - press.x, y - press.y) > CLICK_PX;
    if (!press.moved) return;
    if (press.range) gestures.range(press.x, x, false);
    else {
      gestures.pan(x - press.lastX);
      gestures.scroll(press.lastY - y);
    }
    press.lastX = x;
    press.lastY = y;
  });
  canvas.addEventListener('pointerup', event => {
    if (press === undefined) return;
    if (!press.moved) gestures.click(event.offsetX, event.offsetY);
    else if (press.range) gestures.range(press.x, event.offsetX, true);
    press = undefined;
  });
  canvas.addEventListener('pointercancel', () => {
    press = undefined;
  });
  canvas.addEventListener('pointerleave', () => gestures.leave());
  canvas.addEventListener('dblclick', event => gestures.doubleClick(event.offsetX, event.offsetY));
}
