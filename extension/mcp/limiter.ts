// So many calls a second, counted over the last second, then no more until it has passed.

export class Limiter {
  readonly #most: number;
  readonly #times: number[] = [];

  constructor(mostPerSecond: number) {
    this.#most = mostPerSecond;
  }

  /** True when a call at `nowMs` (of a clock that never steps) is still within the limit. */
  admit(nowMs: number): boolean {
    while (this.#times[0] !== undefined && this.#times[0] <= nowMs - 1_000) this.#times.shift();
    if (this.#times.length >= this.#most) return false;
    this.#times.push(nowMs);
    return true;
  }
}
