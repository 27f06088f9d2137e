/**
 * A path or other text as the bytes it is on the wire: `bytes` from `start` up to `end`. Paths are compared as UTF-8 and
 * never become strings on the way of a request. Functions take the three parts as arguments, in this order; this
 * interface exists for the few places that keep one.
 */
export interface Span {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}
