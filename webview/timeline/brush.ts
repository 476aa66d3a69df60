// A canvas at the screen's own resolution, with the two hatchings and a memory for the widths of words.

import type { Theme } from '../base/theme.ts';

const MOST_WORDS = 20_000;

export class Brush {
  readonly canvas: HTMLCanvasElement;
  readonly context: CanvasRenderingContext2D;
  /** Waiting for a CPU. */
  hatch: CanvasPattern | string = '';
  /** Lost or thinned: the other way round, and wider. */
  loss: CanvasPattern | string = '';
  /** Pixels of the screen in one of the page. */
  ratio = 1;
  readonly #widths = new Map<string, number>();
  #theme: Theme | undefined;

  constructor(canvas: HTMLCanvasElement) {
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('This browser gives no canvas to draw on.');
    this.canvas = canvas;
    this.context = context;
  }

  /** Ready to draw a frame of that size, in CSS pixels, on a clean sheet. */
  begin(width: number, height: number, theme: Theme): void {
    const ratio = window.devicePixelRatio || 1;
    this.ratio = ratio;
    const wide = Math.round(width * ratio);
    const high = Math.round(height * ratio);
    if (this.canvas.width !== wide || this.canvas.height !== high) {
      this.canvas.width = wide;
      this.canvas.height = high;
    }
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.context.clearRect(0, 0, width, height);
    if (this.#theme !== theme) {
      this.#theme = theme;
      this.#widths.clear();
      this.hatch = this.#stripes(theme.hatch, 6, 2, 1);
      this.loss = this.#stripes(theme.loss, 10, 3, -1);
    }
  }

  widthOf(text: string, font: string): number {
    const key = `${font}\n${text}`;
    const known = this.#widths.get(key);
    if (known !== undefined) return known;
    if (this.#widths.size > MOST_WORDS) this.#widths.clear();
    const { width } = this.context.measureText(text);
    this.#widths.set(key, width);
    return width;
  }

  #stripes(colour: string, size: number, thick: number, lean: 1 | -1): CanvasPattern | string {
    const tile = document.createElement('canvas');
    tile.width = size;
    tile.height = size;
    const context = tile.getContext('2d');
    if (context === null) return colour;
    context.strokeStyle = colour;
    context.lineWidth = thick;
    context.beginPath();
    for (const offset of [-size, 0, size]) {
      context.moveTo(offset - 1, lean > 0 ? size + 1 : -1);
      context.lineTo(offset + size + 1, lean > 0 ? -1 : size + 1);
    }
    context.stroke();
    return this.context.createPattern(tile, 'repeat') ?? colour;
  }
}
