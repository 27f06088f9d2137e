/** How many zxids an epoch has. */
export const EPOCH_SIZE = 0x1_0000_0000;

/** The epoch of a zxid: its upper 32 bits. */
export function epochOf(zxid: number): number {
  return Math.floor(zxid / EPOCH_SIZE);
}

/** The count of a zxid within its epoch: its lower 32 bits. */
export function counterOf(zxid: number): number {
  return zxid % EPOCH_SIZE;
}

/** The zxid that an epoch begins after: the leader's NEWLEADER. */
export function firstZxidOf(epoch: number): number {
  return epoch * EPOCH_SIZE;
}

/** Whether a log may hold `next` right behind `previous`: without a gap, or as the first txn of a later epoch. */
export function follows(previous: number, next: number): boolean {
  return next === previous + 1 || (epochOf(next) > epochOf(previous) && counterOf(next) === 1);
}
