// The editor's theme as the canvases need it: colours read from the page's custom properties, read anew when the
// editor switches theme (it changes the body's class and the root's style while the page lives on).

import { MEANINGS, type Meaning } from './colours.ts';

export interface Theme {
  readonly fill: Readonly<Record<Meaning, string>>;
  /** Text that can be read on that fill. */
  readonly ink: Readonly<Record<Meaning, string>>;
  readonly hatch: string;
  readonly loss: string;
  readonly band: string;
  readonly background: string;
  readonly panel: string;
  readonly foreground: string;
  readonly muted: string;
  readonly line: string;
  readonly accent: string;
  readonly warning: string;
  readonly highContrast: boolean;
  readonly font: string;
}

const records = <T>(make: (meaning: Meaning) => T): Record<Meaning, T> =>
  Object.fromEntries(MEANINGS.map(meaning => [meaning, make(meaning)])) as Record<Meaning, T>;

export function readTheme(): Theme {
  const style = getComputedStyle(document.body);
  const value = (name: string): string => style.getPropertyValue(name).trim();
  const fill = records(meaning => value(`--wc-${meaning}`));
  return {
    fill,
    ink: records(meaning => inkOn(fill[meaning])),
    hatch: value('--wc-hatch'),
    loss: value('--wc-loss'),
    band: value('--wc-band'),
    background: value('--background'),
    panel: value('--panel'),
    foreground: value('--foreground'),
    muted: value('--muted'),
    line: value('--line'),
    accent: value('--accent'),
    warning: value('--warning'),
    highContrast: /\bvscode-high-contrast/.test(document.body.className),
    font: style.fontFamily,
  };
}

/** Black or white, whichever reads better on `#rrggbb` (WCAG 2 relative luminance). */
function inkOn(colour: string): string {
  const channel = (at: number): number => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  const luminance = 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
  return 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 ? '#ffffff' : '#000000';
}

export function onThemeChange(changed: () => void): void {
  const observer = new MutationObserver(changed);
  observer.observe(document.body, { attributes: true, attributeFilter: ['class'] });
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style'] });
}
