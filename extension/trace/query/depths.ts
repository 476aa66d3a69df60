// Nesting by time alone: a call that begins while another of its thread is under way is drawn inside it. Not by
// parent_id, so that no two boxes of one level ever overlap, whatever a file claims.

const DEEPEST = 255;

/** Depth of each of `rows`, which ascend by start; -1 as a duration: open to the end. */
export function depths(rows: Int32Array, startNs: Float64Array, durationNs: Float64Array): Uint8Array {
  const result = new Uint8Array(rows.length);
  const ends: number[] = [];
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0;
    const start = startNs[row] ?? 0;
    const duration = durationNs[row] ?? -1;
    const end = duration < 0 ? Number.POSITIVE_INFINITY : start + duration;
    while (ends.length > 0 && (ends.at(-1) ?? 0) <= start) ends.pop();
    result[i] = Math.min(DEEPEST, ends.length);
    ends.push(end);
  }
  return result;
}
