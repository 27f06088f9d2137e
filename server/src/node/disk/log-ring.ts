/**
 * How the main thread hands txn log entries to the log worker. A ring is one block of shared memory that the main thread
 * fills and the worker empties. Entries lie one behind the other as on disk, but for their checksums, and never across
 * the ring's end: the int {@link SKIP} in the place of an entry, or less than four bytes, sends the reader back to 0.
 */
export interface LogRing {
  /** Int32 words, see {@link Word}. */
  readonly control: SharedArrayBuffer;
  readonly bytes: SharedArrayBuffer;
}

/** Words of a ring's control block. */
export const Word = {
  /** Counts the calls to the worker, which sleeps on it; wraps. */
  calls: 0,
  /** Bytes that were put in, those that were skipped included; wraps. */
  produced: 1,
  /** What the worker does once the ring is empty: one of {@link Order}. */
  order: 2,
} as const;

export const Order = {
  wait: 0,
  /** Another ring was posted to the worker. */
  nextRing: 1,
  close: 2,
} as const;

/** In the place of the upper half of an entry's checksum. */
export const SKIP = -1;

export function createRing(size: number): LogRing {
  return { control: new SharedArrayBuffer(12), bytes: new SharedArrayBuffer(size) };
}

/** Doubles of the block of sync times, which the worker writes; but the main thread sets `closing` when the log is to end. */
export const SyncWord = { count: 0, lastMs: 1, maxMs: 2, totalMs: 3, position: 4, closing: 5, words: 6 } as const;

/** What the worker is started with. */
export interface LogWorkerData {
  readonly ring: LogRing;
  /** Doubles, see {@link SyncWord}. */
  readonly syncTimes: SharedArrayBuffer;
  readonly directory: string;
  readonly preAllocBytes: number;
  readonly sizeLimitBytes: number;
  readonly forceSync: boolean;
  readonly lastZxid: number;
  readonly slowSyncMs: number;
  /** See {@link DiskRoom}. */
  readonly reserveBytes: number;
}

/** What the worker reports. A plain number is a position: everything before it is durable. */
export type LogReport =
  | number
  | {
      readonly kind: "failed";
      readonly operation: string;
      readonly path: string;
      readonly errno: string;
      readonly message: string;
    }
  | { readonly kind: "room"; readonly isThere: boolean; readonly freeBytes: number }
  | { readonly kind: "slowSync"; readonly ms: number; readonly path: string; readonly size: number };
