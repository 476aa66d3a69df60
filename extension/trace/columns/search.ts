// Binary search in sorted columns: every question about time ends here.

/** Reads a column where the caller has already bounded `index`. */
export const at = (column: ArrayLike<number>, index: number): number => column[index] as number;

/** First index in [from, to) whose value is >= `value`; `to` when there is none. */
export function lowerBound(column: Float64Array, value: number, from = 0, to = column.length): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((column[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** First index in [from, to) whose value is > `value`; `to` when there is none. */
export function upperBound(column: Float64Array, value: number, from = 0, to = column.length): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((column[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
