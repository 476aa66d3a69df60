// Times as every room of Wakechain counts them: nanoseconds since the capture began (schema.sql), which a
// JavaScript number holds exactly for 104 days. The brand keeps a plain number from being taken for a time.

/** Nanoseconds: a point since the start of the capture, or a length. Always an integer. */
export type Ns = number & { readonly __unit: 'ns' };

export const ns = (value: number): Ns => value as Ns;

/** A half-open stretch of time, `startNs <= t < endNs`. */
export interface Span {
  readonly startNs: Ns;
  readonly endNs: Ns;
}
